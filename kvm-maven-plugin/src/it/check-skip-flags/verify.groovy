def log = new File(basedir, 'build.log').text
['kvm.skip', 'skipITs', 'skipTests', 'maven.test.skip'].each { flag ->
    assert log.contains('No guest is checked: ' + flag + ' is set')
    assert log.contains('No check is verified: ' + flag + ' is set')
}
assert !new File(basedir, 'target').exists()
true
