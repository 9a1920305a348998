import groovy.json.JsonSlurper

def guest = new File(basedir, 'target/classes/META-INF/kvm-guests/kernel')
def properties = new Properties()
new File(guest, 'guest.properties').withInputStream { properties.load(it) }
assert properties == [id: 'kernel', image: 'kernel.elf', boot: 'long', arch: 'x86_64'] as Properties
assert new File(guest, 'kernel.sym').readLines().any { it ==~ /ffffffff801[0-9a-f]{5} T _start/ }

def checked = new JsonSlurper().parse(new File(basedir, 'target/kvm-reports/kernel-kernel.json'))
assert [checked.outcome, checked.exitCode, checked.console] == ['debug-exit', 0, 'ready\n']
assert [checked.engine, checked.boot] == ['emulator', 'long']
assert checked.registers.rip.startsWith('0xffffffff801')

assert new JsonSlurper().parse(new File(basedir, 'boot.json')).console == 'ready\n'
def log = new File(basedir, 'build.log').readLines()
assert log.count {
    it == '[INFO] image kernel.elf is booted in boot mode long, because it is a 64-bit ELF file without a Multiboot header; name another boot mode to change that'
} == 1
assert log.any {
    it.contains('image kernel.elf is a 64-bit ELF file, and boot mode real runs 16-bit code; choose boot mode long, or compile and link it for i386 (-m32, ld -m elf_i386)')
}
true
