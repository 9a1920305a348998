def one = new File(basedir, 'one').toPath()
def two = new File(basedir, 'another place/two').toPath()
one.toFile().eachFileRecurse(groovy.io.FileType.FILES) { file ->
    def copy = two.resolve(one.relativize(file.toPath()).toString()).toFile()
    copy.parentFile.mkdirs()
    copy.bytes = file.bytes
}
def pom = two.resolve('pom.xml').toFile()
pom.text = pom.text
    .replace('<artifactId>one<', '<artifactId>two<')
    .replace('>../pom.xml<', '>../../pom.xml<')
true
