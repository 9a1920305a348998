assert new File(basedir, 'target/classes/META-INF/kvm-guests').list() == ['kernel'] as String[]
assert new File(basedir, 'target/test-classes/META-INF/kvm-guests').list() == ['probe'] as String[]

def log = new File(basedir, 'build.log').text
['kernel', 'probe'].each { id ->
    assert log.count('guest ' + id + ': built ') == 1
    assert log.count('guest ' + id + ' is up to date') == 1
}
assert !log.contains('was removed')
true
