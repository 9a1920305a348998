def log = new File(basedir, 'build.log').text
assert log.contains('kvm:assemble')
['guests', 'kvm.cache', 'kvm.llvm.version', 'kvm.skip', 'outputDirectory', 'workDirectory'].each { parameter ->
    assert log.contains(parameter) : parameter
}
// The elements of guests and checks too, which are parameters of no goal.
assert log =~ /\* linkerScript: A linker script/
assert log =~ /\* guestTests: Whether to run each/
true
