import groovy.json.JsonSlurper

def log = new File(basedir, 'build.log').readLines()

// The emulator is everywhere. Which others there are is this host's; one alone is no agreement.
def hello = new JsonSlurper().parse(new File(basedir, 'hello.json'))
assert hello.runs.collect { [it.engine, it.boot] } == [
        ['emulator', 'real'], ['kvm', 'real'], ['qemu', 'real'],
        ['emulator', 'protected'], ['kvm', 'protected'], ['qemu', 'protected']]
def made = hello.runs.findAll { it.refusal == null }
assert made.size() >= 2 && made.every { it.outcome == 'halted' && it.console == 'h' }
def engines = made.engine.unique()
assert hello.agree == (engines.size() > 1)
assert log.contains('guest hello.bin: the engines ' + (hello.agree ? 'agree' : 'do not agree'))
assert log.any { it =~ /^emulator +real +halted +1 bytes +[0-9.]+ ms$/ }
hello.runs.findAll { it.refusal != null }.each { run ->
    assert log.any { it == "  not run on $run.engine in $run.boot: $run.refusal" as String }
}
assert new File(basedir, 'hello.html').text.contains('emulator in protected</h2>')

assert log.any { it.startsWith('[ERROR]') && it.contains('guest mode.bin: the engines do not agree: ') &&
        it.contains('the console differs from byte 0 on: emulator in real: "0"; emulator in protected: "1"') }
assert log.any { it.contains('kvm.boot: boot mode "flat" is unknown') }
assert log.any { it.contains("kvm.report: ${new File(basedir, 'hello.bin')} is the image that is booted; name another file") }
assert new File(basedir, 'hello.bin').bytes == 'b068e6e9faf4'.decodeHex() : 'it is as it was'
true
