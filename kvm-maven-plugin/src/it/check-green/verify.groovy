import groovy.json.JsonSlurper
import groovy.xml.XmlParser

def reports = new File(basedir, 'target/kvm-reports')
def xml = { name -> new XmlParser().parse(new File(reports, name)) }

// A suite for each guest, as a build server reads it.
def hello = xml('TEST-kvm.hello.xml')
assert hello.name() == 'testsuite'
assert hello.@name == 'kvm.hello'
assert [hello.@tests, hello.@failures, hello.@errors, hello.@skipped] == ['1', '0', '0', '0']
assert hello.testcase.size() == 1
assert hello.testcase[0].@name == 'hello'
assert hello.testcase[0].@classname == 'kvm.hello'
assert hello.testcase[0].'system-out'.text() == 'hello\n'

// The order of the POM, names from it or made of the guest's.
def echo = xml('TEST-kvm.echo.xml')
assert echo.testcase*.@name == ['sends what it gets', 'echo-2']
assert echo.testcase[0].'system-out'.text() == 'abc\tdef'
// No XML document can have the escape character that the guest has sent.
assert echo.testcase[1].'system-out'.text() == '\\x1b[2J'

// The report of each check, in which nothing is replaced.
def json = new JsonSlurper().parse(new File(reports, 'echo-sends_what_it_gets.json'))
assert json.outcome == 'debug-exit'
assert json.exitCode == 7
assert json.engine == 'emulator'
assert json.engineReason == 'asked for'
assert new JsonSlurper().parse(new File(reports, 'echo-echo-2.json')).console == '\u001b[2J'
assert new File(reports, 'hello-hello.json').exists()

// The summary has the order of the POM however the checks ended.
def summary = xml('kvm-summary.xml')
assert [summary.@checks, summary.@failures, summary.@errors] == ['3', '0', '0']
assert summary.check*.@name == ['hello', 'sends what it gets', 'echo-2']

def log = new File(basedir, 'build.log').readLines()
assert log.any { it =~ /PASS hello \/ hello: guest hello \(boot real\) left by the debug-exit port with 0 at .*, after [0-9.]+ ms of wall time on (kvm|emulator)$/ }
assert log.any { it.contains('PASS echo / sends what it gets: ') }
assert log.count { it.contains('Checks run: 3, failures: 0, errors: 0') } == 2 : 'kvm:check and kvm:verify both say so'
true
