def log = new File(basedir, 'build.log').text
assert new File(basedir, 'target/kvm-reports/kvm-summary.xml').exists()
assert log.contains('PASS hello / hello: ')
assert log.contains('kvm:check has not run in this build: ')
assert log.contains('bind it too, by <goal>check</goal> beside <goal>verify</goal>')
true
