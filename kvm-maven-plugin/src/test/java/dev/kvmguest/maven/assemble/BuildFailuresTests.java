package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildFailuresTests {

    @TempDir
    private Path work;

    private BuildFailures failures;

    @BeforeEach
    void create() {
        failures = new BuildFailures(work.resolve("kvm-guests"));
    }

    @Test
    void whatWasRecordedIsFound() throws IOException {
        failures.record("shell", "2 errors:\na.c:1: bad\nb.c:2: bad");
        failures.record("kernel", "no sources");
        Files.createDirectories(work.resolve("kvm-guests/built"));

        assertThat(failures.of("shell")).contains("2 errors:\na.c:1: bad\nb.c:2: bad");
        assertThat(failures.of("built")).isEmpty();
        assertThat(failures.all()).containsOnlyKeys("kernel", "shell").containsEntry("kernel", "no sources");
    }

    @Test
    void nothingIsKnownBeforeAnythingIsBuilt() throws IOException {
        assertThat(failures.all()).isEmpty();
        assertThat(failures.of("kernel")).isEmpty();
    }

    @Test
    void failureOfAGuestThatIsNoMoreIsForgotten() throws IOException {
        failures.record("former", "bad");
        failures.record("kernel", "bad");
        GuestAssembler assembler = new GuestAssembler(work, work.resolve("kvm-guests"), work.resolve("classes"));

        assertThat(assembler.removeOthers(Set.of("kernel"))).containsExactly("former");

        assertThat(failures.all()).containsOnlyKeys("kernel");
    }
}
