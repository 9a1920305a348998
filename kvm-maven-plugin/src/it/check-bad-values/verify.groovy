def log = new File(basedir, 'build.log').text
assert log.contains('<guests><guest id=hello><checks><check name=first><outcome>: outcome "dead" is unknown; use one of halted, debug-exit, ')
assert log.contains('kvm.memory: memory "lots" is not a size; write it as 16M or 640K')
assert log.contains('<guests><guest id=hello><checks><check name=first> has an element <timout>, which does not exist; did you mean timeout?')
true
