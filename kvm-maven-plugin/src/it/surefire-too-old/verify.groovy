// The guest's test fails, but Surefire doesn't see it, and both builds succeed. kvm:assemble warns, and so does kvm:verify.
def log = new File(basedir, 'build.log').text
assert log.count('Tests run: 0, ') == 2
['2.12.4 runs no tests of JUnit 5 or later', '2.22.2 runs no tests of JUnit 5.12 or later'].each { shortcoming ->
    assert log.count("[WARNING] maven-surefire-plugin $shortcoming, so none of them can fail the build. " +
            'Name a newer one in <build><plugins>: ' +
            '<plugin><artifactId>maven-surefire-plugin</artifactId><version>3.6.1</version></plugin>') == 2 : shortcoming
}
true
