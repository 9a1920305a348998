import groovy.json.JsonSlurper

def report = { name -> new JsonSlurper().parse(new File(basedir, "target/kvm-reports/$name")) }
def paged = report('paged-paged.json')
assert paged.engine == 'emulator'
assert paged.engineReason == 'asked for'
assert paged.console == 'hello\n'
assert paged.instructions > 0

// Nobody asked for the emulator here; it is taken where the host's KVM can't do, and that is said.
def ud2 = report('ud2-ud2.json')
assert ud2.outcome == 'triple-fault'
def log = new File(basedir, 'build.log').text
assert log.contains('PASS ud2 / ud2: ')
assert (ud2.engine == 'emulator') == log.contains('guests run on the emulator: ' + ud2.engineReason)
true
