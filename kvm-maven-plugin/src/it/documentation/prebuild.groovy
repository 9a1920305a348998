// Each module has the POM that a page shows, as a reader would copy it.
def root = basedir.toPath().resolve('../../../..').normalize()
['readme': 'README.md', 'course': 'docs/maven.md'].each { module, page ->
    def pom = (root.resolve(page).toFile().text =~ /(?s)```xml\n(<project.*?)```/)
    assert pom.find() : "${page} shows no POM"
    new File(basedir, "${module}/pom.xml").text = pom.group(1)
    assert !pom.find() : "${page} shows a second POM, which is built by nobody"
}
true
