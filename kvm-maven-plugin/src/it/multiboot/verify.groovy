import groovy.json.JsonSlurper

def guests = new File(basedir, 'target/classes/META-INF/kvm-guests')
def manifest = { id ->
    def properties = new Properties()
    new File(guests, id + '/guest.properties').withInputStream { properties.load(it) }
    properties
}
def report = { name -> new JsonSlurper().parse(new File(basedir, "target/kvm-reports/$name")) }

// An ELF kernel is booted as it is linked; a header with addresses is that of the flat binary.
assert manifest('kernel') == [id: 'kernel', image: 'kernel.elf', boot: 'multiboot', commandLine: 'root=ram0 quiet', modules: 'one.txt'] as Properties
assert new File(guests, 'kernel/one.txt').text == 'first\n'
assert new File(guests, 'kernel/kernel.sym').readLines().contains('0010000c T _start') : 'the header comes first'
assert manifest('flat') == [id: 'flat', image: 'flat.bin', boot: 'multiboot', load: '0x200000'] as Properties

assert report('kernel-kernel-1.json').console == 'root=ram0 quiet\none.txt\nfirst\n'
assert report('kernel-kernel-1.json').boot == 'multiboot'
assert report('kernel-kernel-1.json').warnings == []
assert report('kernel-told_otherwise.json').console == 'verbose\ntwo.txt\nsecond\none.txt\nfirst\n'
assert new JsonSlurper().parse(new File(basedir, 'boot.json')).console == 'typed\ntwo.txt\nsecond\n'

// A header says itself that it is one, and the log says so where nobody else did.
assert new JsonSlurper().parse(new File(basedir, 'detected.json')).console == 'detected\none.txt\nfirst\n'
assert new File(basedir, 'build.log').readLines().count {
    it == '[INFO] image kernel.elf is booted in boot mode multiboot, because it has a Multiboot header; name another boot mode to change that'
} == 1

// A near miss is a warning of kvm:assemble and, once for a guest, of kvm:check; reports have it too.
def tooClose = ~/the BSS of image crowded at 0x[0-9a-f]+-0xff[0-9a-f]+ ends \d+ bytes before the boot page directory at 0x100000-0x100fff; leave more room between them/
assert report('crowded-crowded-2.json').warnings.any { it ==~ tooClose }
def log = new File(basedir, 'build.log').readLines()
assert log.count { it.contains('guest crowded: look at its memory layout:') && it.startsWith('[WARNING]') } == 2
assert log.count { it =~ tooClose } == 2
assert log.any { it ==~ /.*0x00100000-0x00100fff       4096 bytes  the boot page directory/ }
assert log.count { it.contains('look at its memory layout') } == 2

assert log.any { it.contains('guest kernel.elf can\'t be booted: command line "lost" can\'t be given to kernel.elf in boot mode protected; only boot mode multiboot, pvh or linux passes a command line and modules on') }
true
