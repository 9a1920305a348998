import groovy.xml.XmlParser

def suite = new XmlParser().parse(new File(basedir, 'target/kvm-reports/TEST-kvm.hello.xml'))
assert [suite.@tests, suite.@failures, suite.@errors] == ['3', '2', '0']
def reason = 'expected exit code 1, but it was 0; the console does not contain "good morning"; it has "hello\\n"'
def failure = suite.testcase[0].failure
assert failure.@message == [reason]
assert failure.text().contains('guest hello (boot real) left by the debug-exit port with 0')
assert failure.text().contains('  | hello\n')
assert suite.testcase[1].failure.@message ==
    ['expected the guest to end without a panic, but it wrote "hello" to its console']
assert suite.testcase[2].failure.isEmpty()

// kvm:check lets the build go on to its teardown, kvm:verify ends it.
def log = new File(basedir, 'build.log').readLines()
def check = log.findIndexOf { it.contains('FAIL hello / greeting: ') && it.endsWith(reason) }
def teardown = log.findIndexOf { it.contains(':help (teardown)') }
def failed = log.findIndexOf { it.contains('Failed to execute goal') && it.contains(':verify (default)') }
assert 0 <= check && check < teardown && teardown < failed
assert log[failed].contains('Checks run: 3, failures: 2, errors: 0')
assert log[failed + 1].contains('hello / greeting failed: ' + reason)
assert log.any { it.contains('PASS hello / plain: ') }
true
