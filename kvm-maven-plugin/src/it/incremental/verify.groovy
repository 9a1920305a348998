def log = new File(basedir, 'build.log').readLines()
def builds = [[]]
log.each { line ->
    builds.last() << line
    if (line.contains('BUILD SUCCESS')) {
        builds << []
    }
}
def has = { build, text -> builds[build].any { it.contains(text) } }

assert has(0, 'guest kernel: built ')
assert has(0, 'guest second: built ')
assert !has(0, 'is up to date')

assert has(1, 'guest kernel is up to date')
assert has(1, 'guest second is up to date')
assert !has(1, ': built ')

assert has(2, 'guest kernel is up to date')
assert has(2, 'guest second is not in the POM any more and was removed')
assert has(2, 'guest third: built ')

def guests = new File(basedir, 'target/classes/META-INF/kvm-guests')
assert guests.list().sort() == ['kernel', 'third']
true
