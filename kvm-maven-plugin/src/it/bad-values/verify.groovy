def log = new File(basedir, 'build.log').text
assert log.contains('<guests><guest id=kernel><boot>: boot mode "vm86" is unknown; use one of real, protected, paged, paged-4k, long, multiboot, multiboot2, limine, pvh, linux')
assert log =~ /<guests><guest id=kernel><toolchain>: toolchain llvm: org\.bytedeco:llvm:jar:[a-z0-9_-]+:0-none can't be resolved: /
assert log.contains('check kvm.llvm.version and the project\'s repositories, or use <toolchain>gcc</toolchain>')
true
