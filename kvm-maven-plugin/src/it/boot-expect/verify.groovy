import groovy.json.JsonSlurper

def log = new File(basedir, 'build.log').text

// A death is told in full, foreseen or not.
assert log.contains('[INFO] guest ud2 (boot protected) triple-faulted at ')
assert log.contains('[ERROR] guest ud2 (boot protected) triple-faulted at ')
assert log.count(' gdt=500/') == 4

// And on a page, in the project's build directory or where it is asked for.
def pages = ['target/kvm-reports/boot-ud2.html', 'hang.html', 'target/kvm-reports/boot-hello.html'].collect {
    new File(basedir, it)
}
assert pages*.exists() == [true, true, false]
assert pages[0].text.contains('<b>ud2</b> triple-faulted')
assert pages[1].text.contains('<b>hang</b> was still running at its time limit of 500 ms')
assert log.count("\npage: ${pages[0].toPath().toUri()}\n") == 4
assert log.contains("\npage: ${pages[1].toPath().toUri()}\n")
// A pipe has no colours but where they are asked for, as once here.
assert log.count('\u001b[1;31mguest ud2 (boot protected) triple-faulted') == 1

assert log.contains('guest hello: expected exit code 3, but it was 0')
assert new JsonSlurper().parse(new File(basedir, 'hello.json')).outcome == 'debug-exit'

// The line that the guest has left open is ended before Maven goes on.
assert log.contains('\n!\n[INFO] guest hang (boot real) was still running at its time limit of 500 ms')

// All of them, one after the other, up to the first that does not end as expected.
assert log.count('Booting hello') == 2
assert log.count('Booting ud2') == 4
assert log.count('Booting hang') == 1
assert log.contains('guest ud2: expected the guest to end normally, but it triple-faulted')

// No output takes the place of what is booted.
assert log.contains('/hello.bin is the image that is booted; name another file')
assert new File(basedir, 'target/classes/META-INF/kvm-guests/hello/hello.bin').length() > 0

// A report that can't be written is told after how the guest died, and keeps no other file from being written.
def last = log.substring(log.lastIndexOf('Booting ud2'))
def complaint = last.indexOf('[ERROR] kvm.report: ')
assert last.indexOf(' gdt=500/') in 0..<complaint
assert last.indexOf('guest ud2: expected the guest to end normally, but it triple-faulted') > complaint
assert last.contains('report.json can\'t be written: ')
assert new File(basedir, 'ud2.png').exists()
true
