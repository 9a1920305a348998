import groovy.xml.XmlParser

// Why the guest died comes first, and then that this JUnit takes no files.
def suite = new XmlParser().parse(new File(basedir, 'target/surefire-reports/TEST-DyingTest.xml'))
assert [suite.@tests, suite.@failures, suite.@errors, suite.@skipped] == ['1', '1', '0', '0']
def failure = suite.testcase.failure[0].text()
assert failure.contains('#UD in _start (src/main/guest/dies/start.S:2): ud2  (0f 0b)')
assert failure.contains('no file of the report was written: that takes JUnit 5.12 or later, and this one is older')
assert !new File(basedir, 'target/junit-jupiter').exists()
true
