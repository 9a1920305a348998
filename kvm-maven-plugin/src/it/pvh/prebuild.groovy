// The kernel is the one that the guide shows: its files, as a reader would copy them.
def page = basedir.toPath().resolve('../../../../docs/pvh.md').normalize().toFile().text
def files = page =~ /(?s)`(src\/[^`]+|pom\.xml)`:\n\n```\w*\n(.*?)```/
def names = []
while (files.find()) {
    def file = new File(basedir, files.group(1))
    file.parentFile.mkdirs()
    file.text = files.group(2)
    names << file.name
}
assert names == ['entry.S', 'kernel.c', 'pom.xml']
true
