def echo = new File(basedir, 'echo.c').text
assert echo.startsWith('/*\n * echo: the guest echo.bin as one program for /dev/kvm, written by kvmguest.')
assert echo.contains('{ 0x00001000, /* image echo.bin */\n\t  "bafd03eca80174fbbaf803ece6e93c2175eef4" },')
assert echo.contains('{ 0x3f8, 1, 0x68, 1 },') && echo.contains('{ 0x3f8, 1, 0x69, 1 },') : 'what was typed'
assert echo.contains('#define RECORDED\t"halted"')

def death = new File(basedir, 'deaths/of-ud2.c').text
assert death.contains('gcc -Wall -Werror -o of-ud2 of-ud2.c && ./of-ud2')
assert death.contains(' *   #UD: ud2  (0f 0b)\n')
assert death.contains('#define RECORDED\t"triple-fault"')

def kernel = new File(basedir, 'qemu/ud2.kernel').bytes
assert kernel[0..3] == '02b0ad1b'.decodeHex() as List : 'a Multiboot header'
assert new File(basedir, 'qemu').list() == ['ud2.kernel']

def log = new File(basedir, 'build.log').readLines()
assert log.any { it =~ /guest ud2.bin \(boot protected\) triple-faulted .* on emulator$/ }
assert log.any { it == "[INFO] Wrote ${new File(basedir, 'echo.c')}" as String }
assert log.any { it.contains("In ${new File(basedir, 'qemu')}: qemu-system-x86_64 -kernel ud2.kernel -m 16384K ") }
assert log.any { it == '[INFO] Note: QEMU ends with status 0 when the guest triple-faults or is reset' }

assert log.any { it.contains("guest fpu.bin can't be exported: this run can't be exported as a C program: its x87 unit reported an error") }
assert !new File(basedir, 'fpu.c').exists()
assert log.any { it.contains('kvm.format: "pascal" is unknown; use one of c, qemu') }
assert log.any { it.contains("kvm.output: ${new File(basedir, 'source.c')} is the image that is booted; name another file") }
assert new File(basedir, 'source.c').bytes == 'f4'.decodeHex() : 'it is as it was'
true
