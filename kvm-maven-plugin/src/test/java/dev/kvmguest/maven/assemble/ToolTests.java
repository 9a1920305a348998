package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ToolTests {

    private static final Duration AMPLE = Duration.ofMinutes(1);

    @TempDir
    Path directory;

    /** The program that the tests run: it does what its first argument says. */
    static final class Program {

        private Program() {}

        public static void main(String[] args) throws IOException, InterruptedException {
            switch (args[0]) {
                case "hang" -> Thread.currentThread().join();
                case "read" -> System.out.print("read " + System.in.read());
                case "environment" -> System.out.print(System.getenv());
                case "both" -> {
                    System.out.println("out " + Path.of("").toAbsolutePath());
                    System.out.flush();
                    System.err.println("err");
                    System.exit(3);
                }
                default -> throw new IllegalArgumentException(args[0]);
            }
        }
    }

    private static List<String> program(String does) {
        return new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName(),
                does));
    }

    @Test
    void exitCodeAndBothStreamsComeBack() throws Exception {
        Tool.Result result = new Tool(directory.toRealPath(), AMPLE).run(program("both"));

        assertThat(result.exitCode()).isEqualTo(3);
        assertThat(result.output().lines()).containsExactly("out " + directory.toRealPath(), "err");
    }

    @Test
    void aProgramThatHangsIsKilledAtTheLimit() throws Exception {
        List<String> command = program("hang");

        assertThatThrownBy(() -> new Tool(directory, Duration.ofMillis(50)).run(command))
                .isInstanceOf(GuestBuildException.class)
                .hasMessageStartingWith("the program " + command.get(0) + " did not end within 50 ms and was killed;")
                .hasMessageEndingWith("its command was " + command);
        // It would never end by itself.
        for (ProcessHandle child : ProcessHandle.current().children().toList()) {
            child.onExit().get(AMPLE.toSeconds(), TimeUnit.SECONDS);
        }
    }

    @Test
    void aProgramHasNoInput() throws Exception {
        assertThat(new Tool(directory, AMPLE).run(program("read")).output()).isEqualTo("read -1");
    }

    @Test
    void theEnvironmentCannotChangeWhatACompilerMakes() throws Exception {
        assumeThat(System.getenv())
                .as("CPATH, which the POM sets and an IDE doesn't")
                .containsKey("CPATH");

        String environment =
                new Tool(directory, AMPLE).run(program("environment")).output();

        assertThat(environment)
                .contains("PATH=")
                .contains("LC_ALL=C")
                .contains("SOURCE_DATE_EPOCH=0")
                .doesNotContain("CPATH=");
    }

    @Test
    void aProgramThatIsNotThereIsAnError() {
        assertThatThrownBy(() -> new Tool(directory, AMPLE).run(List.of("no-such-compiler")))
                .isInstanceOf(GuestBuildException.class)
                .hasMessageStartingWith("the program no-such-compiler can't be started: ");
    }
}
