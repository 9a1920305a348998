package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Without Maven, as with Gradle or in an IDE: a class path, JUnit's console launcher, and a kernel in a folder. */
@DisabledIfSystemProperty(
        named = "kvmguest.test.jupiter",
        matches = "(?!5\\.12).*",
        disabledReason = "the launcher brings its own JUnit, so that once is enough")
class PlainClassPathTests {

    private static final Path LAUNCHERS = Path.of("target/console-launcher");

    @TempDir
    private Path project;

    @Test
    void extensionNeedsNoMaven() throws Exception {
        Files.createDirectories(project.resolve("build"));
        Files.copy(Path.of(TestGuests.HELLO), project.resolve("build/kernel.bin"));

        String report = launch();

        assertThat(report)
                .contains("2 tests successful", "1 tests failed")
                .contains("expected the console to contain \"Goodbye\", but it is \"Hello\"")
                .contains("guest kernel.bin (boot real) halted with interrupts off");
    }

    private String launch() throws IOException, InterruptedException, URISyntaxException {
        String classPath = Stream.of(
                        launcher(),
                        place(getClass()),
                        place(KvmGuest.class),
                        place(Machine.class),
                        place(Assertions.class))
                .map(path -> path.toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
        Path output = project.resolve("output.txt");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classPath,
                        "org.junit.platform.console.ConsoleLauncher",
                        "execute",
                        "--disable-banner",
                        "--disable-ansi-colors",
                        "--details=tree",
                        "--select-class=dev.kvmguest.junit.plain.MakeBuiltKernel")
                .directory(project.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        return Files.readString(output, StandardCharsets.UTF_8);
    }

    private static Path launcher() throws IOException {
        try (Stream<Path> files = Files.list(LAUNCHERS)) {
            List<Path> jars = files.toList();
            assertThat(jars).hasSize(1);
            return jars.get(0);
        }
    }

    private static Path place(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}
