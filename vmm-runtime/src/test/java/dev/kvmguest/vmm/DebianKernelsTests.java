package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Kernels of others come to their known last line. {@code .ci/kernels} brings them from Debian's packages. */
@EnabledIfSystemProperty(
        named = DebianKernelsTests.FOLDER,
        matches = ".+",
        disabledReason = "kvmguest.kernels doesn't say where the kernels are; .ci/kernels brings them")
class DebianKernelsTests {

    static final String FOLDER = "kvmguest.kernels";

    /** Of the guest's own time: a kernel whose panic waits for a key, or counts to a billion, ends here. */
    private static final Duration GUEST_TIME = Duration.ofSeconds(8);

    private static final Duration LIMIT = Duration.ofMinutes(2);

    /** The microkernel of the Hurd, which says so if its boot loader has brought it no server to start. */
    @Test
    void gnuMachLooksForItsServers() throws IOException {
        Outcome outcome = boot("gnumach", BootMode.MULTIBOOT);

        String screen = TextReport.screen(outcome.screen()).replaceAll("[|\\s]+", " ");
        assertThat(screen).contains("GNU Mach ", "No bootstrap code loaded with t he kernel!");
    }

    private static Outcome boot(String kernel, BootMode boot) throws IOException {
        Path image = Path.of(System.getProperty(FOLDER), kernel);
        assumeTrue(Files.exists(image), () -> kernel + " is not in " + FOLDER + "; .ci/kernels tells why");
        MachineConfig config = MachineConfig.builder()
                .vcpu(VcpuConfig.of(GuestImage.read(image)).withBoot(boot))
                .engine(EngineChoice.EMULATOR)
                .memory(64 << 20)
                .timeout(TimeFactor.stretch(LIMIT))
                .build();
        try (Machine machine = Machine.create(config, GUEST_TIME)) {
            return machine.run();
        }
    }
}
