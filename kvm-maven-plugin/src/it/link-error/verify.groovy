def log = new File(basedir, 'build.log').text
assert log.contains('guest kernel: 2 errors:\n')
assert log.contains('\n[ERROR] src/main/guest/kernel/start.S:3: undefined symbol: kernel_main\n')
assert log.contains('\n[ERROR] src/main/guest/kernel/main.c:5: undefined symbol: fill\n')
assert log.contains('>>> referenced by start.S:3')
true
