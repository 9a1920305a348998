def lines = new File(basedir, 'build.log').readLines()
def log = lines.join('\n')

// Every file was compiled, so the errors of all are seen, each at its place in the project.
assert lines.any { it =~ /^\[ERROR\] src\/main\/guest\/kernel\/boot\.S:3:\d+: error: invalid instruction mnemonic 'mvo'/ }
assert lines.any { it =~ /^\[ERROR\] src\/main\/guest\/kernel\/main\.c:3:\d+: error: use of undeclared identifier 'missing_variable'/ }
assert lines.any { it =~ /^\[WARNING\] src\/main\/guest\/kernel\/careless\.c:3:\d+: warning: unused variable 'never_used'/ }

assert log.contains('guest kernel: 2 errors:\n')
assert log.contains("\n[ERROR] src/main/guest/kernel/boot.S:3: invalid instruction mnemonic 'mvo'\n")
assert !new File(basedir, 'target/classes/META-INF/kvm-guests/kernel').exists()
true
