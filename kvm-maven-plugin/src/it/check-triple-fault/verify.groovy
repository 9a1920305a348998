import groovy.json.JsonSlurper
import groovy.xml.XmlParser

def reports = new File(basedir, 'target/kvm-reports')
def suite = new XmlParser().parse(new File(reports, 'TEST-kvm.ud2.xml'))
assert [suite.@tests, suite.@failures] == ['4', '2']
def failure = suite.testcase[0].failure
assert failure.@type == ['triple-fault']
assert failure.@message == ['expected the guest to end normally, but it triple-faulted']
assert failure.text().contains('guest ud2 (boot protected) triple-faulted')
assert failure.text().contains('#UD in ')
assert failure.text().contains('-> #GP(0x33): IDT[6] at 0x558 is empty')
assert failure.text().contains('console: empty')
assert suite.testcase[1].failure.isEmpty()
assert suite.testcase[2].failure.isEmpty()
assert suite.testcase[3].failure.@message == ['expected #PF to lead to the triple fault, but it was #UD']
def json = new JsonSlurper().parse(new File(reports, 'ud2-unforeseen.json'))
assert json.outcome == 'triple-fault'
assert json.fault.first.name == '#UD'
assert json.fault.first.instruction == 'ud2'
assert json.fault.chain.vector == [6, 13, 8]

def log = new File(basedir, 'build.log').text
assert log.contains('ud2 / unforeseen failed: expected the guest to end normally, but it triple-faulted')
true
