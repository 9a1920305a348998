import groovy.xml.XmlParser

def tests = new XmlParser().parse(new File(basedir, 'readme/target/surefire-reports/TEST-HelloTest.xml'))
assert [tests.@tests, tests.@failures, tests.@errors, tests.@skipped] == ['1', '0', '0', '0']

def checks = new XmlParser().parse(new File(basedir, 'course/target/kvm-reports/TEST-kvm.lab1.xml'))
assert [checks.@tests, checks.@failures, checks.@errors] == ['1', '0', '0']
assert new File(basedir, 'course/target/kvm-reports/points.csv').readLines().contains('lab1,total,2.5,2.5,PASS')
true
