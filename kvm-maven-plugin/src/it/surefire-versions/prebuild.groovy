import groovy.xml.XmlParser

new XmlParser().parse(new File(basedir, 'pom.xml')).modules.module*.text().each { file ->
    def version = file - '.xml'
    new File(basedir, file).text = """\
        <project>
          <modelVersion>4.0.0</modelVersion>
          <parent>
            <groupId>dev.kvmguest.it</groupId>
            <artifactId>surefire-versions</artifactId>
            <version>1</version>
            <relativePath>pom.xml</relativePath>
          </parent>
          <artifactId>surefire-$version</artifactId>
          <properties>
            <surefire.version>$version</surefire.version>
          </properties>
          <build>
            <directory>target/$version</directory>
          </build>
        </project>
        """.stripIndent()
}
true
