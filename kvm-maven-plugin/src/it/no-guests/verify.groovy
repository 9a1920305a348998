def warnings = new File(basedir, 'build.log').readLines().findAll { it.startsWith('[WARNING]') }
assert warnings.any { it.contains('No guest to assemble: <guests> is empty. Add <guests><guest><id>NAME</id>') }
true
