import groovy.xml.XmlParser

def project = new XmlParser(false, false).parse(new File(basedir, 'pom.xml'))
def guest = project.build.plugins.plugin.configuration.guests.guest
assert [guest.id.text(), guest.image.text(), guest.boot.text()] == ['kernel', 'build/kernel.bin', 'multiboot']
assert project.profiles.profile.activation.file.missing.text() == '${basedir}/build/kernel.bin'
assert !new File(basedir, 'src/main').exists()

def suite = new XmlParser().parse(new File(basedir, 'target/surefire-reports/TEST-com.example.os.KernelTests.xml'))
assert [suite.@tests, suite.@failures, suite.@errors, suite.@skipped] == ['1', '0', '0', '0']
assert new File(basedir, 'src/test/java/com/example/os/KernelTests.java').text.contains('halted().consoleContains("hi")')
assert new File(basedir, 'build.log').text.contains('image kernel.bin is booted in boot mode multiboot, where it halted with interrupts off')
true
