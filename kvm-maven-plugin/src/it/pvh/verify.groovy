import groovy.json.JsonSlurper

def checked = new JsonSlurper().parse(new File(basedir, 'target/kvm-reports/kernel-kernel.json'))
assert [checked.outcome, checked.exitCode, checked.console] == ['debug-exit', 0, 'colour=blue']
assert [checked.engine, checked.boot] == ['emulator', 'pvh']

assert new JsonSlurper().parse(new File(basedir, 'boot.json')).console == 'red'
assert new File(basedir, 'build.log').readLines().count {
    it == '[INFO] image kernel.elf is booted in boot mode pvh, because it has the Xen note of a PVH kernel and no Multiboot header; name another boot mode to change that'
} == 1
true
