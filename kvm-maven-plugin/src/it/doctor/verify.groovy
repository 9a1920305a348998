import groovy.json.JsonSlurper

def file = new File(basedir, 'reports/host.json')
def host = new JsonSlurper().parse(file)
assert host.format == 1
assert host.report == 'host'
assert host.sections['boot-modes'].values.keySet() == ['real', 'protected', 'paged', 'paged-4k', 'long', 'multiboot', 'multiboot2', 'limine', 'pvh', 'linux'] as Set
assert host.sections['boot-modes'].values.every { mode, engine -> engine == 'kvm' || engine.startsWith('emulator: ') }
assert host.sections.speed.values['emulator, boot mode real'] > 0
assert host.sections.maven.values.keySet().containsAll(['maven', 'kvm-maven-plugin'])
assert host.sections.maven.values.find { it.key.startsWith('llvm ') }.value
assert host.sections.keySet().toList().indexOf('maven') == host.sections.keySet().toList().indexOf('programs') + 1
assert host.problems.every { it.kind in ['problem', 'remark'] && it.what && it.wayOut }
// Where it was made is nobody's business. The user root and a folder / are everybody's.
assert !file.text.contains(basedir.path)
assert System.getProperty('user.home').length() < 2 || !file.text.contains(System.getProperty('user.home'))

def log = new File(basedir, 'build.log').text
def runs = log.split(/what this host can do for guests: /)
assert runs.size() == 2 : 'the comparisons are printed in place of the report'
assert log.contains('\nwhat runs guests, by boot mode\n  real ')
host.problems.each { assert log.replaceAll(/\s+/, ' ').contains("${it.kind}: ${it.what} way out: ${it.wayOut}") }
assert log.contains('[INFO] nothing differs between this host and the other')
assert log.contains('    there: a steam engine\n    why it matters: ')
assert log =~ /\d+ differences between this host and the other; \d+ matter for the boot modes\n/
assert !(log =~ /\[INFO\] \d+ differences/) : 'with -q there is the report, and nothing of the log'
assert log =~ /kvm.report: .*host.json is the report to compare with; name another file/
assert log =~ /kvm.with: .*damaged.json: line 2, column 14: it ends too early/
assert log =~ /kvm.with: .*nowhere.json: there is no such file; kvm:doctor -Dkvm.report=FILE writes such a file/
true
