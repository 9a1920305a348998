import groovy.xml.XmlParser

// The guest that can't be placed is an error, and the others run all the same.
def reports = new File(basedir, 'target/kvm-reports')
def suite = new XmlParser().parse(new File(reports, 'TEST-kvm.ud2.xml'))
assert [suite.@tests, suite.@failures, suite.@errors] == ['1', '0', '1']
def message = suite.testcase[0].error.@message[0]
assert message.contains('0x520') : 'the range of the image'
assert message.contains('0x500') : 'the range of the table'
assert suite.testcase[0].error.text() == message : 'no stack trace for what the POM says'
assert new XmlParser().parse(new File(reports, 'TEST-kvm.hello.xml')).testcase[0].children()*.name() == ['system-out']

def log = new File(basedir, 'build.log').text
assert log.contains('Checks run: 2, failures: 0, errors: 1')
assert log.contains('ud2 / ud2 could not be run: ' + message.readLines().first())
assert message.readLines().tail()*.trim() == [
    '0x00000500-0x00000527         40 bytes  the boot GDT',
    '0x00000520-0x00000521          2 bytes  image ud2',
    '0x00000528-0x00000d27       2048 bytes  the boot IDT']
assert log.contains('warning: it can\'t be loaded as it is: image ud2 at 0x520') : 'kvm:assemble says it before'
true
