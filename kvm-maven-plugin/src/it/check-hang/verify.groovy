import groovy.xml.XmlParser

def test = new XmlParser().parse(new File(basedir, 'target/kvm-reports/TEST-kvm.hang.xml')).testcase[0]
assert test.failure.@message == ['expected the guest to end normally, but it was still running at its time limit of 250 ms']
assert test.'system-out'.text() == '!'
assert (test.@time as BigDecimal) >= 0.25
assert new File(basedir, 'build.log').text.contains('hang / hang failed: expected the guest to end normally')
true
