def log = new File(basedir, 'build.log').text
assert log.contains('guest "hello" has not been built: there is no guest.properties in ')
assert log.contains('run kvm:assemble before')
true
