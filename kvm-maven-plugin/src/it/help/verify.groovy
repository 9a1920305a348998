def log = new File(basedir, 'build.log').text
assert log.contains('kvm:assemble')
['guests', 'kvm.cache', 'kvm.llvm.version', 'kvm.skip', 'outputDirectory', 'workDirectory'].each { parameter ->
    assert log.contains(parameter) : parameter
}
true
