package dev.kvmguest.maven;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.maven.artifact.Artifact;
import org.apache.maven.artifact.versioning.ComparableVersion;
import org.apache.maven.model.Dependency;
import org.apache.maven.model.Plugin;
import org.apache.maven.plugin.logging.Log;
import org.apache.maven.project.MavenProject;

/**
 * Finds a Surefire or Failsafe in a project that is too old for its JUnit: it runs none of its tests, and the build
 * succeeds. Maven 3.8 takes such a Surefire, 2.12.4, if the POM names no version.
 */
final class OldSurefire {

    /** The version that warnings tell to take. */
    static final String RECOMMENDED = "3.6.1";

    /** The goals that run tests, by their plugins. */
    private static final Map<String, String> GOALS =
            Map.of("maven-surefire-plugin", "test", "maven-failsafe-plugin", "integration-test");

    private static final String EXTENSION = "dev.kvmguest:junit-kvm-extension";
    private static final String LAUNCHER = "org.junit.platform:junit-platform-launcher";

    /** The first version that runs tests of JUnit 5. It brings a launcher, which is for the JUnit of its time. */
    private static final ComparableVersion FIRST_FOR_JUNIT_5 = new ComparableVersion("2.22.0");

    /** The first version that takes the launcher of the project's JUnit, even if the project doesn't name it. */
    private static final ComparableVersion FIRST_FOR_ANY_JUNIT_5 = new ComparableVersion("3.0.0-M4");

    /** The first Jupiter that finds no tests for such an old launcher. The extension needs it or a later one. */
    private static final ComparableVersion FIRST_FOR_ITS_OWN_LAUNCHER = new ComparableVersion("5.12");

    /** The versions of all dependencies, by group and artifact. */
    private final Map<String, String> dependencies = new HashMap<>();

    private final MavenProject project;

    private OldSurefire(MavenProject project) {
        this.project = project;
        for (Dependency dependency : project.getDependencies()) {
            dependencies.put(dependency.getGroupId() + ":" + dependency.getArtifactId(), dependency.getVersion());
        }
        for (Artifact artifact : project.getArtifacts()) {
            dependencies.put(artifact.getGroupId() + ":" + artifact.getArtifactId(), artifact.getVersion());
        }
    }

    /** Logs a warning for each plugin of a project that should run its tests and can't. */
    static void warn(Log log, MavenProject project) {
        warnings(project).forEach(log::warn);
    }

    /**
     * Returns what {@link #warn} logs. The dependencies of dependencies are seen only if the goal that runs has had
     * them collected.
     */
    static List<String> warnings(MavenProject project) {
        OldSurefire old = new OldSurefire(project);
        return GOALS.keySet().stream()
                .sorted()
                .flatMap(plugin -> old.warning(plugin).stream())
                .toList();
    }

    private Optional<String> warning(String artifactId) {
        Plugin plugin = project.getPlugin("org.apache.maven.plugins:" + artifactId);
        if (plugin == null || plugin.getVersion() == null || !runs(plugin, GOALS.get(artifactId))) {
            return Optional.empty();
        }
        return shortcoming(new ComparableVersion(plugin.getVersion()))
                .map(shortcoming -> artifactId + " " + plugin.getVersion() + " " + shortcoming
                        + ", so none of them can fail the build. Name a newer one in <build><plugins>: <plugin><artifactId>"
                        + artifactId + "</artifactId><version>" + RECOMMENDED + "</version></plugin>");
    }

    private static boolean runs(Plugin plugin, String goal) {
        return plugin.getExecutions().stream()
                .anyMatch(execution -> execution.getGoals().contains(goal) && !"none".equals(execution.getPhase()));
    }

    /** Returns what a version of Surefire or Failsafe doesn't do that the project needs. */
    private Optional<String> shortcoming(ComparableVersion version) {
        boolean extension = dependencies.containsKey(EXTENSION);
        List<ComparableVersion> jupiters = jupiters();
        if (!extension && jupiters.isEmpty() || version.compareTo(FIRST_FOR_ANY_JUNIT_5) >= 0) {
            return Optional.empty();
        }
        if (version.compareTo(FIRST_FOR_JUNIT_5) < 0) {
            return Optional.of("runs no tests of JUnit 5 or later");
        }
        boolean needsItsOwnLauncher =
                extension || jupiters.stream().anyMatch(jupiter -> jupiter.compareTo(FIRST_FOR_ITS_OWN_LAUNCHER) >= 0);
        return needsItsOwnLauncher && !dependencies.containsKey(LAUNCHER)
                ? Optional.of("runs no tests of JUnit 5.12 or later")
                : Optional.empty();
    }

    private List<ComparableVersion> jupiters() {
        return dependencies.entrySet().stream()
                .filter(dependency -> dependency.getKey().startsWith("org.junit.jupiter:"))
                .map(dependency -> new ComparableVersion(dependency.getValue()))
                .toList();
    }
}
