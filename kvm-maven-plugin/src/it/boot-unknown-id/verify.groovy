def log = new File(basedir, 'build.log').text
assert log.contains('this project has no guest "kernal"; it has kernel, initial-ramdisk')
assert log.contains('this project has several guests; name one by -Dkvm.guest=ID') && log.contains(': kernel, initial-ramdisk')
true
