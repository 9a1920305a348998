def warnings = new File(basedir, 'build.log').readLines().findAll { it.startsWith('[WARNING]') }
assert warnings.any { it.contains('No guest is checked: none of the guests hello has a <check>') }
assert warnings.any { it.contains('No check is verified: kvm:check had none to run') }
true
