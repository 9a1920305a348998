import groovy.json.JsonSlurper

def result = new JsonSlurper().parse(new File(basedir, 'reports/bisect.json'))
assert result.format == 1
assert result.method == 'bytes'
assert result.parts.size() == 1
assert result.parts[0].bytes == 1
assert result.parts[0].changes.collect { [it.address, it.good.instruction, it.bad.instruction] } == [['0x1004', 'or cl, [bp+di]', 'ud2']]
assert result.instruction.instruction == 'ud2'
assert result.sameInstruction
assert result.goodOutcome.outcome == 'debug-exit'
assert result.badOutcome.outcome == 'unhandled-exception'
assert result.exchangedOutcome.exception == '#UD'
assert result.exchangedOutcome.engine == 'emulator'

def console = new JsonSlurper().parse(new File(basedir, 'console.json'))
assert console.parts[0].changes*.bad*.instruction == ['mov al, 0x42']
assert console.predicate == 'writes "B"'

def log = new File(basedir, 'build.log').readLines()
assert log.any { it == '[INFO] segment 0 makes the difference: with 1 byte of bad.bin, good.bin is bad' }
assert log.any { it == '    0x1004: or cl, [bp+di] (0a 0b) became ud2 (0f 0b)' }
assert log.any { it ==~ /\[INFO\] runs of bytes: \d+ left, \d+ boots so far/ }
assert log.any { it.contains('they can\'t be told apart by their ends; name what only one of them does') }
assert log.any { it.contains('longer.bin can be exchanged: it is laid out otherwise than good.bin') }
assert log.any { it =~ /kvm.bad: there is no file .*nowhere.bin; name a flat binary or an ELF file/ }
assert log.any { it =~ /kvm.report: .*bad.bin is the bad image; name another file/ }
assert log.any { it.contains('kvm:bisect: qemuArguments "-nographic" are for engine qemu, and engine emulator is asked for') }
assert new File(basedir, 'bad.bin').length() == 16
true
