package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.apache.maven.artifact.Artifact;
import org.apache.maven.artifact.DefaultArtifact;
import org.apache.maven.model.Build;
import org.apache.maven.model.Dependency;
import org.apache.maven.model.Model;
import org.apache.maven.model.Plugin;
import org.apache.maven.model.PluginExecution;
import org.apache.maven.project.MavenProject;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OldSurefireTests {

    private static final String SUREFIRE = "maven-surefire-plugin";
    private static final String FAILSAFE = "maven-failsafe-plugin";
    private static final String JUPITER = "org.junit.jupiter:junit-jupiter";
    private static final String EXTENSION = "dev.kvmguest:junit-kvm-extension";

    private final Model model = new Model();

    @BeforeEach
    void buildHasNoPlugin() {
        model.setBuild(new Build());
    }

    private Plugin plugin(String artifactId, String version, String goal) {
        PluginExecution execution = new PluginExecution();
        execution.addGoal(goal);
        Plugin plugin = new Plugin();
        plugin.setArtifactId(artifactId);
        plugin.setVersion(version);
        plugin.addExecution(execution);
        model.getBuild().addPlugin(plugin);
        return plugin;
    }

    private void dependency(String artifact, String version) {
        Dependency dependency = new Dependency();
        dependency.setGroupId(artifact.substring(0, artifact.indexOf(':')));
        dependency.setArtifactId(artifact.substring(artifact.indexOf(':') + 1));
        dependency.setVersion(version);
        model.addDependency(dependency);
    }

    private MavenProject project() {
        return new MavenProject(model);
    }

    @Test
    void warningNamesTheVersionAndTheWayOut() {
        plugin(SUREFIRE, "2.12.4", "test");
        dependency(JUPITER, "5.10.2");

        assertThat(OldSurefire.warnings(project()))
                .containsExactly(
                        "maven-surefire-plugin 2.12.4 runs no tests of JUnit 5 or later, so none of them can fail"
                                + " the build. Name a newer one in <build><plugins>:"
                                + " <plugin><artifactId>maven-surefire-plugin</artifactId><version>3.6.1</version></plugin>");
    }

    @ParameterizedTest
    @CsvSource({
        "2.21.0, 5.0.0, true",
        "2.22.0, 5.11.4, false",
        "2.22.0, 5.12.0, true",
        "2.22.2, 6.1.3, true",
        "3.0.0-M3, 5.12.2, true",
        "3.0.0-M4, 5.12.2, false",
        "3.0.0, 6.1.3, false",
        "3.5.3, 6.1.3, false"
    })
    void whatIsTooOldDependsOnJUnit(String surefire, String jupiter, boolean tooOld) {
        plugin(SUREFIRE, surefire, "test");
        dependency("org.junit.jupiter:junit-jupiter-api", jupiter);

        assertThat(OldSurefire.warnings(project())).hasSize(tooOld ? 1 : 0);
    }

    @Test
    void extensionNeedsANewJUnitWhereverThatComesFrom() {
        plugin(SUREFIRE, "2.22.2", "test");
        dependency(EXTENSION, "1");

        assertThat(OldSurefire.warnings(project()))
                .singleElement()
                .asString()
                .startsWith("maven-surefire-plugin 2.22.2 runs no tests of JUnit 5.12 or later, so");
    }

    @ParameterizedTest
    @CsvSource({"2.22.2, 0", "2.12.4, 1"})
    void launcherAmongTheDependenciesHelpsAVersionThatKnowsJUnit5(String surefire, int warnings) {
        plugin(SUREFIRE, surefire, "test");
        dependency(JUPITER, "5.12.2");
        dependency("org.junit.platform:junit-platform-launcher", "1.12.2");

        assertThat(OldSurefire.warnings(project())).hasSize(warnings);
    }

    @Test
    void dependenciesOfDependenciesCount() {
        plugin(SUREFIRE, "2.12.4", "test");
        dependency("org.example:test-support", "1");
        MavenProject project = project();
        project.setArtifacts(Set.<Artifact>of(
                new DefaultArtifact("org.junit.jupiter", "junit-jupiter-api", "6.1.3", "test", "jar", "", null)));

        assertThat(OldSurefire.warnings(project)).hasSize(1);
    }

    @Test
    void failsafeIsToldFromSurefire() {
        plugin(SUREFIRE, "3.6.1", "test");
        plugin(FAILSAFE, "2.12.4", "integration-test");
        dependency(JUPITER, "6.1.3");

        assertThat(OldSurefire.warnings(project()))
                .singleElement()
                .asString()
                .startsWith("maven-failsafe-plugin 2.12.4 ")
                .contains("<artifactId>maven-failsafe-plugin</artifactId>");
    }

    @ParameterizedTest
    @ValueSource(strings = {"junit:junit", "org.testng:testng"})
    void testsWithoutJUnit5AreNoConcern(String artifact) {
        plugin(SUREFIRE, "2.12.4", "test");
        dependency(artifact, "4.13.2");

        assertThat(OldSurefire.warnings(project())).isEmpty();
    }

    @Test
    void projectWithoutSurefireIsNoConcern() {
        dependency(JUPITER, "6.1.3");

        assertThat(OldSurefire.warnings(project())).isEmpty();
    }

    @Test
    void pluginThatRunsNoTestsIsNoConcern() {
        plugin(SUREFIRE, "2.12.4", "test").getExecutions().get(0).setPhase("none");
        plugin(FAILSAFE, "2.12.4", "help");
        dependency(JUPITER, "6.1.3");

        assertThat(OldSurefire.warnings(project())).isEmpty();
    }

    @Test
    void recommendedVersionIsTheOneOfThisBuild() throws Exception {
        String pom = Files.readString(Path.of("../pom.xml")).replace("${maven.surefire.plugin.version}", "<VERSION>");

        assertThat(pom)
                .contains("<maven.surefire.plugin.version>" + OldSurefire.RECOMMENDED
                        + "</maven.surefire.plugin.version>");
        for (String plugin : new String[] {SUREFIRE, FAILSAFE}) {
            assertThat(pom)
                    .containsPattern("<artifactId>" + plugin + "</artifactId>\\s+<version>(<VERSION>|"
                            + OldSurefire.RECOMMENDED.replace(".", "\\.") + ")</version>");
        }
    }
}
