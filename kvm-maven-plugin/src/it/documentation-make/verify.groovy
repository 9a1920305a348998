import groovy.json.JsonSlurper

def report = new JsonSlurper().parse(new File(basedir, 'target/kvm-reports/kernel-kernel.json'))
assert [report.outcome, report.console] == ['debug-exit', 'ready\n']
assert new File(basedir, 'build.log').text.contains('image kernel.elf is booted in boot mode protected')
true
