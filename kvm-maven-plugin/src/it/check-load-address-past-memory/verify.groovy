import groovy.xml.XmlParser

// The guest that can't be placed is an error, and the others run all the same.
def reports = new File(basedir, 'target/kvm-reports')
def suite = new XmlParser().parse(new File(reports, 'TEST-kvm.ud2.xml'))
assert [suite.@tests, suite.@failures, suite.@errors] == ['1', '0', '1']
def message = suite.testcase[0].error.@message[0]
assert message.contains('0x1000000-0x1000001') : 'the range of the image'
assert message.contains('0xffffff') : 'the end of RAM'
assert suite.testcase[0].error.text() == message : 'no stack trace for what the POM says'
assert new XmlParser().parse(new File(reports, 'TEST-kvm.hello.xml')).testcase[0].children()*.name() == ['system-out']

def log = new File(basedir, 'build.log').text
assert log.contains('Checks run: 2, failures: 0, errors: 1')
assert log.contains('ud2 / ud2 could not be run: ' + message.readLines().first())
assert message.readLines().tail()*.trim().contains('0x01000000-0x01000001          2 bytes  image ud2')
assert log.contains('warning: it can\'t be loaded as it is: image ud2 at 0x1000000') : 'kvm:assemble says it before'
true
