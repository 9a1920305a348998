import groovy.json.JsonSlurper

def checks = new File(basedir, 'checks')
def manifest = { id ->
    def properties = new Properties()
    new File(checks, "target/classes/META-INF/kvm-guests/$id/guest.properties").withInputStream { properties.load(it) }
    properties
}
def built = '../kernel/target/classes/META-INF/kvm-guests'
assert manifest('made') == [id: 'made', image: 'made.elf', boot: 'multiboot', commandLine: 'from the POM', origin: "$built/kernel/kernel.elf" as String] as Properties
assert manifest('dies') == [id: 'dies', image: 'dies.elf', boot: 'protected', origin: "$built/dies/dies.elf" as String] as Properties
assert manifest('sector') == [id: 'sector', image: 'sector.bin', boot: 'real', origin: 'sector.bin'] as Properties

def report = { name -> new JsonSlurper().parse(new File(checks, "target/kvm-reports/$name")) }
assert report('made-made.json').console == 'from the POM'
assert report('sector-sector.json').console == 'B'
assert report('dies-dies.json').outcome == 'triple-fault'
assert new JsonSlurper().parse(new File(checks, 'sector.json')).console == 'B'

// The sources are in another module of the build.
assert new File(checks, 'target/kvm-reports/dies-dies.html').text.contains('# this line is in the report of another module')

def log = new File(basedir, 'build.log').readLines()
assert log.count { it == '[INFO] guest made: image kernel.elf is booted in boot mode multiboot, because it has a Multiboot header; name another boot mode to change that' } == 1
assert log.any { it ==~ /\[INFO\] guest sector: put .*sector.bin on the class path, in .*/ }
assert log.any { it.contains("<guests><guest id=sector><image>: there is no file ${new File(checks, 'build/sector.bin')}; build it before this goal runs, by make") }
true
