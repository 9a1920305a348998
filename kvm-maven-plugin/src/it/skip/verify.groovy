// The guest's sources don't exist: skipping comes before looking at anything.
assert new File(basedir, 'build.log').text.contains('No guest is assembled: kvm.skip is set')
assert !new File(basedir, 'target').exists()
true
