def page = basedir.toPath().resolve('../../../../docs/maven.md').normalize().toFile().text
def pom = (page =~ /(?s)```xml\n(<project.*?)```/)
assert pom.find() && pom.group(1).contains('<executable>make</executable>')
new File(basedir, 'pom.xml').text = pom.group(1)
true
