import groovy.json.JsonSlurper
import java.util.zip.ZipFile

def names = { file -> new ZipFile(new File(basedir, file)).withCloseable { it.entries().collect { e -> e.name } } }
assert names('ud2.bundle.zip') == ['bundle.json', 'image/0/boot-ud2.bin', 'recording.bin', 'report.json', 'report.txt',
        'report.html', 'doctor.json']
def manifest = new ZipFile(new File(basedir, 'ud2.bundle.zip')).withCloseable {
    new JsonSlurper().parse(it.getInputStream(it.getEntry('bundle.json')))
}
assert manifest.format == 1 && manifest.machine.vcpus[0].boot == 'protected' && manifest.product == projectVersion()

String projectVersion() {
    (new File(basedir, 'build.log').text =~ /kvm-maven-plugin:([^:]+):bundle/)[0][1]
}

def again = new JsonSlurper().parse(new File(basedir, 'again.json'))
assert again.outcome == 'triple-fault' && again.fault.first.name == '#UD'
assert again.engine == 'emulator' && again.engineReason == 'replayed from a bundle of a run on emulator'
assert new File(basedir, 'again.html').text.contains('kvm:replay of ud2.bin')

def then = new JsonSlurper().parse(new File(basedir, 'unpacked/report.json'))
assert then.fault.first == again.fault.first && then.fault.chain == again.fault.chain
assert then.registers == again.registers && then.fault.advice == again.fault.advice
assert new File(basedir, 'unpacked/image/0/boot-ud2.bin').bytes == '0f0b'.decodeHex()

assert !new File(basedir, 'slipped.txt').exists() && !new File(basedir.parentFile, 'slipped.txt').exists()
assert !new File(basedir, 'unpacked-slip').exists() : 'nothing of a bundle that is refused is unpacked'
assert new File(basedir, 'image.zip').bytes == 'f4'.decodeHex() : 'it is as it was'

def log = new File(basedir, 'build.log').readLines()
def has = { part -> log.any { it.contains(part) } }
assert has("Wrote ${new File(basedir, 'ud2.bundle.zip')}; kvm:replay -Dkvm.bundle=ud2.bundle.zip shows the run on any")
assert has('Replaying the run of ud2.bin on emulator, bundled by kvmguest ' + projectVersion())
assert log.count { it.contains('Replayed on the emulator, the guest came to the same end as on emulator: outcome, exit'
        + ' code, console and first exception agree') } >= 3
assert has('  | hi!') : 'the console of the guest that was typed for'
assert has('kvm.bundle: bundle slip.zip can\'t be trusted: entry "../slipped.txt" leads out of its folder')
assert has('kvm.bundle: ud2.bin is no bundle: it is no zip file; kvm:bundle writes one')
assert has('kvm.bundle: no bundle is named; kvm:bundle writes one')
assert has('kvm.bundle can\'t be read: ') && has('none.zip')
assert has('kvm.output: ') && has('is there already; name an empty folder, or remove it')
assert has('ud2.bundle.zip is the bundle that is replayed; name another file')
assert has('image.zip is the image that is booted; name another file')
true
