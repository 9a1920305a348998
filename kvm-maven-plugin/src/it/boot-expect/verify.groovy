import groovy.json.JsonSlurper

def log = new File(basedir, 'build.log').text

// A death is told in full, foreseen or not.
assert log.contains('[INFO] guest ud2 (boot protected) triple-faulted at ')
assert log.contains('[ERROR] guest ud2 (boot protected) triple-faulted at ')
assert log.count(' gdt=500/') == 2

assert log.contains('guest hello: expected exit code 3, but it was 0')
assert new JsonSlurper().parse(new File(basedir, 'hello.json')).outcome == 'debug-exit'

// The line that the guest has left open is ended before Maven goes on.
assert log.contains('\n!\n[INFO] guest hang (boot real) was still running at its time limit of 200 ms')

// All of them, one after the other, up to the first that does not end as expected.
assert log.count('Booting hello') == 2
assert log.count('Booting ud2') == 2
assert log.count('Booting hang') == 1
assert log.contains('guest ud2: expected the guest to end normally, but it triple-faulted')
true
