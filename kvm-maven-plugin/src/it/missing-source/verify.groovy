def log = new File(basedir, 'build.log').text
assert log.contains('<guests><guest id=kernel><sources>: the folder or file ')
assert log =~ /src.main.guest.nowhere does not exist; create it, or name the place where the guest's sources are/
assert !new File(basedir, 'target').exists()
true
