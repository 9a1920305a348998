package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.testkit.engine.EventConditions.finishedWithFailure;

import dev.kvmguest.vmm.config.TimeFactor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.reporting.OutputDirectoryProvider;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;

/** Runs test classes that are the subject of another test. */
final class Fixture {

    private Fixture() {}

    static EngineExecutionResults run(Class<?> testClass) {
        return run(testClass, Map.of());
    }

    static EngineExecutionResults run(Class<?> testClass, Map<String, String> parameters) {
        return run(testClass, parameters, new Folder(Path.of("target", "test-output")));
    }

    static EngineExecutionResults run(
            Class<?> testClass, Map<String, String> parameters, OutputDirectoryProvider output) {
        TestGuests.write();
        return EngineTestKit.engine("junit-jupiter")
                .selectors(selectClass(testClass))
                .configurationParameters(parameters)
                .outputDirectoryProvider(output)
                .execute();
    }

    /** Runs a class and returns how its only test failed. */
    static Throwable failureOf(Class<?> testClass) {
        List<Throwable> failures = failuresOf(run(testClass));
        assertThat(failures).as("failures of " + testClass.getSimpleName()).hasSize(1);
        return failures.get(0);
    }

    static List<Throwable> failuresOf(EngineExecutionResults results) {
        return results.testEvents().list().stream()
                .filter(finishedWithFailure()::matches)
                .map(event -> event.getRequiredPayload(TestExecutionResult.class)
                        .getThrowable()
                        .orElseThrow())
                .toList();
    }

    /** Runs a class and expects this many tests, all passed. */
    static void expectPasses(Class<?> testClass, int tests) {
        expectPasses(run(testClass), tests);
    }

    static void expectPasses(EngineExecutionResults results, int tests) {
        assertThat(failuresOf(results)).isEmpty();
        results.testEvents()
                .assertStatistics(statistics -> statistics.started(tests).succeeded(tests));
        results.containerEvents().assertStatistics(statistics -> statistics.failed(0));
    }

    /** The folder for what tests publish. */
    record Folder(Path root) implements OutputDirectoryProvider {

        @Override
        public Path getRootDirectory() {
            return root;
        }

        @Override
        public Path createOutputDirectory(TestDescriptor test) throws IOException {
            String name = test.getUniqueId().toString().replaceAll("[^A-Za-z0-9.]+", "-");
            return Files.createDirectories(root.resolve(name));
        }
    }

    /** Returns a time limit as messages show it on this machine. */
    static String stretched(long millis) {
        return TimeFactor.stretch(Duration.ofMillis(millis)).toMillis() + " ms";
    }
}
