import groovy.xml.XmlParser

def tests = new XmlParser().parse(new File(basedir, 'junit/target/surefire-reports/TEST-HelloTest.xml'))
assert [tests.@tests, tests.@failures, tests.@errors, tests.@skipped] == ['1', '0', '0', '0']

// The points are those that the page shows.
def page = basedir.toPath().resolve('../../../../docs/maven.md').normalize().toFile().text
def shown = (page =~ /(?s)```\n(guest,check,points.*?)```/)[0][1]
def points = ['ada', 'brian'].collect { new File(basedir, "course/target/grades/$it/points.csv").text }.join()
assert shown == points
true
