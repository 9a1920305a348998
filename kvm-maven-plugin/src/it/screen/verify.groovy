import groovy.json.JsonSlurper
import groovy.xml.XmlParser

def reports = new File(basedir, 'target/kvm-reports')
def suite = new XmlParser().parse(new File(reports, 'TEST-kvm.banner.xml'))
assert [suite.@tests, suite.@failures, suite.@errors] == ['2', '1', '0']
def reason = 'the screen does not contain "HELLO"; it has "PANIC"'
assert suite.testcase[1].failure.@message == [reason]
assert suite.testcase[1].failure.text().contains('  | PANIC |\n')
assert new JsonSlurper().parse(new File(reports, 'banner-banner-1.json')).screen == 'PANIC'

// Only what failed has a picture.
def picture = new File(reports, 'banner-banner-2.png').bytes
assert !new File(reports, 'banner-banner-1.png').exists()
assert picture[1..3] == 'PNG'.bytes.toList()
assert new File(basedir, 'pictures/banner.png').bytes == picture

def log = new File(basedir, 'build.log').text
assert log.contains('FAIL banner / banner-2: ')
def frame = '  screen:\n  +-------+\n  | PANIC |\n  +-------+\n'
def quiet = log.lastIndexOf('[INFO] Finished at')
assert log.substring(0, quiet).contains(frame) : 'kvm:boot shows it too'
assert log.substring(quiet).contains(frame) : 'and so it does without its log'
true
