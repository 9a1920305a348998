def log = new File(basedir, 'build.log').text
assert log.contains('hello / hello failed: the console does not contain "good morning"')
assert log.contains('The build goes on: maven.test.failure.ignore is set')
assert new File(basedir, 'target/kvm-reports/kvm-summary.xml').text.contains('failures="1"')
true
