import groovy.json.JsonSlurper

def hello = new JsonSlurper().parse(new File(basedir, 'reports/hello.json'))
assert hello.outcome == 'debug-exit'
assert hello.exitCode == 0
assert hello.guest == 'hello.bin'
assert hello.boot == 'real'
assert hello.console == 'hello\n'
assert hello.engine in ['kvm', 'emulator'] : 'whichever this host has'
assert hello.engineReason
assert hello.registers.cs == '0x0'

def echo = new JsonSlurper().parse(new File(basedir, 'echo.json'))
assert echo.outcome == 'halted'
assert echo.console == '\u001b'
assert echo.registers.cs == '0x7c0'
assert echo.engine == 'emulator'

// No KVM is needed for it, nor one that can page.
def paged = new JsonSlurper().parse(new File(basedir, 'paged.json'))
assert paged.outcome == 'halted'
assert paged.boot == 'paged'
assert paged.console == 'hi'
assert paged.exceptions == []
assert hello.exceptions == null : 'nobody watched'

def bytes = new File(basedir, 'build.log').getText('ISO-8859-1')
def log = bytes.readLines()
def console = log.indexOf('hello')
def booting = log.findIndexOf { it.endsWith('Booting hello.bin') }
// Not always the next line: JDK 24 and later warn of JNA's native library in between.
assert booting >= 0 && console > booting : 'the console is there as it was written, in a line of its own'
assert log[console + 1] =~ /guest hello.bin \(boot real\) left by the debug-exit port with 0 at .* on (kvm|emulator)$/
assert log.contains('  exceptions taken: none')
assert bytes.contains('\u001b\n[INFO] guest echo.bin (boot real) halted with interrupts off') : 'escape sequences pass'
assert log.any { it =~ /kvm.image: there is no file .*nowhere.bin; name a flat binary or an ELF file/ }
true
