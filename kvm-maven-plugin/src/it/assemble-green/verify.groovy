import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.jar.JarFile

def guests = new File(basedir, 'target/classes/META-INF/kvm-guests')
def manifest = { id ->
    def properties = new Properties()
    new File(guests, id + '/guest.properties').withInputStream { properties.load(it) }
    properties
}
def bytes = { id, extension -> new File(guests, id + '/' + id + extension).bytes }
def symbols = { id ->
    new File(guests, id + '/' + id + '.sym').readLines().collectEntries { line ->
        def parts = line.split(' ')
        [(parts[2]): Long.parseLong(parts[0], 16)]
    }
}
def elf = { id -> ByteBuffer.wrap(bytes(id, '.elf')).order(ByteOrder.LITTLE_ENDIAN) }
def programHeaders = { id ->
    def image = elf(id)
    (0..<image.getShort(44)).collect { i ->
        def at = image.getInt(28) + i * image.getShort(42)
        [type: image.getInt(at), virtual: image.getInt(at + 8) & 0xffffffffL, physical: image.getInt(at + 12) & 0xffffffffL]
    }.findAll { it.type == 1 }
}

// A real mode guest is booted from its flat binary, at the default address.
assert manifest('hello') == [id: 'hello', image: 'hello.bin', boot: 'real', load: '0x1000', entry: '0x1000'] as Properties
def hello = bytes('hello', '.bin')
assert hello[0] == (byte) 0xfc
assert new String(hello, 'ISO-8859-1').endsWith('hello')
assert hello.length < 64

// A guest in a segment sees its first byte at offset 0, without a _start and without a warning about that.
assert manifest('segmented') == [id: 'segmented', image: 'segmented.bin', boot: 'real', load: '0x20000', entry: '0x2000:0x0'] as Properties
assert bytes('segmented', '.bin') == [0xb8, 0x03, 0x00, 0xf4] as byte[]
assert programHeaders('segmented').first() == [type: 1, virtual: 0L, physical: 0x20000L]

// A protected mode guest is booted from its ELF file: linked where it is loaded, .text.start first.
assert manifest('kernel') == [id: 'kernel', image: 'kernel.elf', boot: 'protected', memory: '33554432'] as Properties
assert elf('kernel').getInt(24) == 0x1000
assert symbols('kernel')._start == 0x1000
assert symbols('kernel').kernel_main > 0x1000
assert symbols('kernel').__bss_end - symbols('kernel').__bss_start >= 4096 + 1024
assert symbols('kernel')._end == symbols('kernel').__bss_end
def flat = ByteBuffer.wrap(bytes('kernel', '.bin')).order(ByteOrder.LITTLE_ENDIAN)
assert flat.getInt((int) symbols('kernel').answers - 0x1000) == 42
assert flat.capacity() < 4096 : 'the flat binary ends with the last loaded byte, before .bss'

// The same sources for a paged kernel: linked high, loaded low.
assert programHeaders('paged-kernel').first() == [type: 1, virtual: 0x80001000L, physical: 0x1000L]
assert elf('paged-kernel').getInt(24) == (int) 0x80001000
assert ByteBuffer.wrap(bytes('paged-kernel', '.bin')).order(ByteOrder.LITTLE_ENDIAN)
    .getInt((int) (symbols('paged-kernel').answers - 0x80001000L)) == 43

// A linker script is used as it is, and the configured entry is what counts.
assert manifest('scripted').entry == '0x8004'
assert programHeaders('scripted').first().physical == 0x8000
assert ByteBuffer.wrap(bytes('scripted', '.bin')).order(ByteOrder.LITTLE_ENDIAN).getInt(0) == 0x11223344

// The map names objects, not places.
assert new File(guests, 'kernel/kernel.map').text.contains('obj/lib/fill.c.o')

// A jar ships its kernels.
def jar = new JarFile(new File(basedir, 'target/assemble-green-1.jar'))
assert jar.getEntry('META-INF/kvm-guests/kernel/kernel.elf') != null
assert jar.getEntry('META-INF/kvm-guests/kernel/guest.properties') != null
jar.close()

def log = new File(basedir, 'build.log').readLines()
assert log.count { it.contains('guest') && it.contains(': built ') } == 5
assert log.any { it.contains('from 3 source files with toolchain llvm') }
assert log.contains('[WARNING] guest kernel: lib/heap.cpp is ignored: only .c, .S, .s, .asm, .nasm are built')
assert !log.any { it.startsWith('[ERROR]') || it.startsWith('[WARNING]') && it.contains('lld') }
true
