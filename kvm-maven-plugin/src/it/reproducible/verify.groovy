def outputs = { module ->
    def root = new File(basedir, module + '/target/classes/META-INF/kvm-guests').toPath()
    def found = [:] as TreeMap
    root.toFile().eachFileRecurse(groovy.io.FileType.FILES) { file ->
        found[root.relativize(file.toPath()).toString()] = file.bytes
    }
    found
}
def one = outputs('one')
def two = outputs('another place/two')

assert one.size() == 10
assert one.keySet() == two.keySet()
one.each { name, bytes -> assert Arrays.equals(bytes, two[name]) : name + ' differs' }

// Nothing in the files tells where the project, the toolchain or the user's home was. The elf has debug information.
one.each { name, bytes ->
    def text = new String(bytes, 'ISO-8859-1')
    [basedir.path, System.getProperty('user.home') + '/', 'kvmguest/toolchains'].each { place ->
        assert !text.contains(place) : name + ' has ' + place
    }
}
def elf = new String(one['kernel' + File.separator + 'kernel.elf'], 'ISO-8859-1')
assert elf.contains('.debug_line')
assert elf.contains('kernel/main.c')
assert elf.contains('Jan  1 1970 00:00:00')
true
