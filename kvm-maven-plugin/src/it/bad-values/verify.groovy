def log = new File(basedir, 'build.log').text
assert log.contains('<guests><guest id=kernel><boot>: boot mode "vm86" is unknown; use one of real, protected, paged, paged-4k')
assert log.contains('<guests><guest id=kernel><load>: load "0x7c0g" is not a number; write it as 0x1000 or 4096')
assert log.contains('<guests><guest id=kernel>: load 0x20000 is out of reach in real mode with the segment registers 0;'
    + ' give the entry a segment, such as 0x2000:0x0')
true
