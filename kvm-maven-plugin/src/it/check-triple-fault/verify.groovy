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
assert json.mismatches == ['expected the guest to end normally, but it triple-faulted']
assert json.fault.first.instruction == 'ud2'
assert json.fault.chain.vector == [6, 13, 8]

def log = new File(basedir, 'build.log').text
assert log.contains('ud2 / unforeseen failed: expected the guest to end normally, but it triple-faulted')

// Both that failed have a page, and kvm:verify shows their reports and where the pages are.
def page = new File(reports, 'ud2-unforeseen.html')
assert new XmlParser(false, false, true).parse(page).body.main.article.header.h1.text().contains('triple-faulted')
assert page.text.contains('IDT[6] at 0x558 is empty')
assert page.text.indexOf('the guest to end normally') in 0..<page.text.indexOf('</b> triple-faulted')
// The sources are the project's, so that their lines are on the page.
assert page.text.contains('ud2.S')
assert log.contains('[ERROR] ud2 / unforeseen failed\n  expected: the guest to end normally\n' +
        '  found:    it triple-faulted\nguest ud2 (boot protected) triple-faulted at ')
assert log.count('  -> #GP(0x33): IDT[6] at 0x558 is empty') == 2
assert log.readLines().contains("page: ${page.toPath().toUri()}" as String)
assert new File(reports, 'ud2-another_exception.html').exists()
assert !new File(reports, 'ud2-foreseen.html').exists()
assert !log.contains('\u001b[1;31mguest ud2') : 'a pipe has no colours'
true
