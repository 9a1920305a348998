import groovy.xml.XmlParser

def lines = new File(basedir, 'build.log').readLines()
def log = lines.join('\n')

// Every file was compiled, so the errors of all are seen, each at its place in the project.
assert lines.any { it =~ /^\[ERROR\] src\/main\/guest\/kernel\/boot\.S:3:\d+: error: invalid instruction mnemonic 'mvo'/ }
assert lines.any { it =~ /^\[ERROR\] src\/main\/guest\/kernel\/main\.c:3:\d+: error: use of undeclared identifier 'missing_variable'/ }
assert lines.any { it =~ /^\[WARNING\] src\/main\/guest\/kernel\/careless\.c:3:\d+: warning: unused variable 'never_used'/ }

// The first build ends there. GitHub is told where.
assert log.count('guest kernel: 2 errors:\n') == 1
assert lines.any { it ==~ /::error file=compile-error\/src\/main\/guest\/kernel\/boot\.S,line=3,title=guest kernel was not built::invalid.*/ }
assert log.contains("\n[ERROR] src/main/guest/kernel/boot.S:3: invalid instruction mnemonic 'mvo'\n")
assert !new File(basedir, 'target/classes/META-INF/kvm-guests/kernel').exists()

// The second one keeps going: what can't be built is an error of its guest.
def reports = new File(basedir, 'target/kvm-reports')
def error = new XmlParser().parse(new File(reports, 'TEST-kvm.kernel.xml')).testcase[0].error[0]
assert error.@message.startsWith('2 errors:\nsrc/main/guest/kernel/boot.S:3: ')
assert error.@message.contains('\nsrc/main/guest/kernel/main.c:3: ')
assert new XmlParser().parse(new File(reports, 'TEST-kvm.absent.xml')).testcase.@name == ['assemble']
def hello = new XmlParser().parse(new File(reports, 'TEST-kvm.hello.xml'))
assert hello.testcase[0].properties.property.collect { [it.@name, it.@value] } == [['points', '2.5'], ['points.possible', '2.5']]
assert hello.testcase[1].failure.@message == ['expected exit code 3, but it was 0']
assert new File(reports, 'points.csv').text == '''guest,check,points,of,verdict
kernel,kernel,0,10,ERROR
kernel,total,0,10,ERROR
absent,assemble,0,0,ERROR
absent,total,0,0,ERROR
hello,greets,2.5,2.5,PASS
hello,leaves,0,4,FAIL
hello,total,2.5,6.5,FAIL
'''
assert log.contains('Points:\n  kernel  0 of 10\n  absent  0 of 0\n  hello   2.5 of 6.5\n')
assert lines.any { it.contains('Failed to execute goal') && it.contains(':verify (default)') }
assert log.contains('kernel / kernel could not be run: 2 errors:\n')
assert log =~ /hello \/ leaves failed\n  expected: exit code 3\n  found:    it was 0\nguest hello /

// And GitHub is told of all, once each.
assert lines.findAll { it.startsWith('::error file=compile-error/src/main/guest/kernel/main.c,line=3,') }.size() == 2
assert lines.any { it ==~ /::error title=guest absent was not built::.*nowhere does not exist.*/ }
assert lines.any { it ==~ /::error .*title=hello \/ leaves::expected exit code 3, but it was 0%0Aguest hello .*/ }
def table = new File(basedir, 'summary.md').text
assert table.contains('| hello | greets | PASS | 2.5 of 2.5 |  |\n')
assert table.contains('| kernel | kernel | ERROR | 0 of 10 | 2 errors:<br>src/main/guest/kernel/boot.S:3: ')
true
