// Each module has the POM that a page shows, as a reader would copy it.
def root = basedir.toPath().resolve('../../../..').normalize()
def poms = { page -> (root.resolve(page).toFile().text =~ /(?s)```xml\n(<project.*?)```/).collect { it[1] } }
def junit = poms('docs/junit.md')
assert junit.size() == 1
new File(basedir, 'junit/pom.xml').text = junit[0]
// The first one of this page is that of the project documentation-make.
def maven = poms('docs/maven.md')
assert maven.size() == 2
new File(basedir, 'course/pom.xml').text = maven[1]
assert poms('README.md').empty : 'README.md shows a POM, which is built by nobody'
true
