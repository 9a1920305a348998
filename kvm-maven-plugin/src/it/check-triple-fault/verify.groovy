import groovy.json.JsonSlurper
import groovy.xml.XmlParser

def reports = new File(basedir, 'target/kvm-reports')
def suite = new XmlParser().parse(new File(reports, 'TEST-kvm.ud2.xml'))
assert [suite.@tests, suite.@failures] == ['2', '1']
def failure = suite.testcase[0].failure
assert failure.@type == ['triple-fault']
assert failure.@message == ['expected the guest to end normally, but it triple-faulted']
assert failure.text().contains('guest ud2 (boot protected) triple-faulted')
assert failure.text().contains('console: empty')
assert suite.testcase[1].failure.isEmpty()
assert new JsonSlurper().parse(new File(reports, 'ud2-unforeseen.json')).outcome == 'triple-fault'

def log = new File(basedir, 'build.log').text
assert log.contains('ud2 / unforeseen failed: expected the guest to end normally, but it triple-faulted')
true
