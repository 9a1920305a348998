import groovy.xml.XmlParser

// Each version counts the guest's six tests, four of which fail.
def log = new File(basedir, 'build.log').text
['3.0.0', '3.2.5', '3.5.2', '3.5.3', '3.5.4', '3.6.1'].each { version ->
    def suite = new XmlParser().parse(new File(basedir, "target/$version/surefire-reports/TEST-InGuestTest.xml"))
    assert [suite.@tests, suite.@failures, suite.@errors, suite.@skipped] == ['6', '4', '0', '0'] : version
    assert suite.testcase.collect { it.failure.size() } == [0, 0, 1, 1, 1, 1] : version
    // They have their own names, if not in 3.5.3, which would lose them by those.
    if (version != '3.5.3') {
        assert suite.testcase.@name == ['adds', 'subtracts', 'fails', 'fails_too', 'fails_in_a_loop', 'dies'] : version
    }
    assert log =~ /surefire-$version \.+ FAILURE/ : version
}
true
