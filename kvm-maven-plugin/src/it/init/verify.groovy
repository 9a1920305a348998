import groovy.xml.XmlParser

assert new File(basedir, 'src').exists() && new File(basedir, 'pom.xml').exists()
def suite = new XmlParser().parse(new File(basedir, 'target/surefire-reports/TEST-org.example.KernelTests.xml'))
assert [suite.@tests, suite.@failures, suite.@errors, suite.@skipped] == ['1', '0', '0', '0']
def log = new File(basedir, 'build.log').text
assert log.contains('guest kernel: built ')
assert log.contains("${new File(basedir, 'pom.xml')} is there already, and kvm:init overwrites nothing; nothing was written.")
true
