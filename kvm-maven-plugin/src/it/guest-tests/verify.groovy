import groovy.xml.XmlParser

// clang has the tests in the order of their lines.
def suite = new XmlParser().parse(new File(basedir, 'target/kvm-reports/TEST-kvm.tests.xml'))
assert [suite.@tests, suite.@failures, suite.@errors] == ['5', '4', '0']
assert suite.testcase.@name == ['passes', 'fails', 'fails_in_a_loop', 'dies', 'hangs'].collect { 'in the guest: ' + it }
assert suite.testcase[0].failure.isEmpty()
def messages = suite.testcase.drop(1).collect { it.failure[0].@message }
assert messages[0] == 'src/main/guest/tests/tests.c:15: assertion failed: triangle(4) > 10'
assert messages[1] == 'src/main/guest/tests/tests.c:21: assertion failed: ' +
        'triangle(i) == i < 7 ? i * (i + 1) / 2 : 0: 28 (0x1c) and 0 (0x0)'
assert messages[2] == 'test dies was started, and the guest ended without a verdict; ' +
        'expected the guest to end normally, but it triple-faulted'
// On the emulator it is proved that it never ends.
assert messages[3] ==~ /test hangs was started, and the guest ended without a verdict; / +
        /expected the guest to end normally, but it (was still running at its time limit of|can never end, proved after) .*/
assert suite.testcase[3].failure.text().contains('in-guest test dies, src/main/guest/tests/tests.c:24: unfinished')

def json = new File(basedir, 'target/kvm-reports/tests-in_the_guest__fails.json').text
assert json.contains('"name": "fails",\n    "status": "failed",\n    "file": "src/main/guest/tests/tests.c",\n    "line": 15')

def log = new File(basedir, 'build.log').text
assert log.contains('PASS tests / in the guest: passes: ')
assert log.contains('Checks run: 6, failures: 4, errors: 0')
assert !log.contains('WARN')
true
