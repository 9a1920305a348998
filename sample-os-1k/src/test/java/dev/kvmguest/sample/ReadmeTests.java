package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The report that the project's README shows is the one that a test of this kernel prints. */
class ReadmeTests {

    private static final String TIME = "after [0-9.]+ ms";

    @Test
    @KvmGuest(value = "kernel-sse", engine = EngineChoice.EMULATOR)
    void showsTheReportOfTheKernelThatUsesSse(Outcome outcome) throws IOException {
        assertThat(outcome).tripleFaulted();
        assertThat(Files.readString(Path.of("../README.md")).replaceAll(TIME, ""))
                .contains(TextReport.brief(outcome).replaceAll(TIME, ""));
    }
}
