package dev.kvmguest.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each of the sample's guests does the same in QEMU, where one is installed, as on the emulator. */
class GuestsInQemuTests {

    private static final Path GUESTS = Path.of("target", "classes", "META-INF", "kvm-guests");

    /** The first leaves by port 0x500, which QEMU has no device for; Limine's tables can't be entered by QEMU's firmware. */
    private static final Set<String> LEFT_OUT = Set.of("hypercall", "limine");

    @BeforeAll
    static void findQemu() {
        boolean installed = Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .flatMap(folder ->
                        Stream.of("qemu-system-i386", "qemu-system-x86_64").map(name -> Path.of(folder, name)))
                .anyMatch(Files::isExecutable);
        assumeTrue(installed, "no qemu-system-i386 on the PATH");
    }

    static List<String> guests() throws IOException {
        try (Stream<Path> folders = Files.list(GUESTS)) {
            return folders.map(folder -> folder.getFileName().toString())
                    .filter(id -> !LEFT_OUT.contains(id))
                    .sorted()
                    .toList();
        }
    }

    private static Outcome run(String id, EngineChoice engine) throws IOException {
        GuestManifest.Located located = GuestManifest.read(GUESTS.resolve(id));
        MachineConfig.Builder config = MachineConfig.builder()
                .vcpu(VcpuConfig.of(located))
                .engine(engine)
                .timeout(Duration.ofSeconds(id.equals("hang") ? 1 : 30));
        located.manifest().memory().ifPresent(config::memory);
        try (Machine machine = Machine.create(config.build())) {
            return machine.run();
        }
    }

    @ParameterizedTest
    @MethodSource("guests")
    void guestEndsAlike(String id) throws IOException {
        Outcome emulated = run(id, EngineChoice.EMULATOR);

        Outcome outcome = run(id, EngineChoice.QEMU);

        assertThat(outcome.kind()).isEqualTo(emulated.kind());
        assertThat(outcome.exitCode()).isEqualTo(emulated.exitCode());
        assertThat(outcome.console()).isEqualTo(emulated.console());
        assertThat(outcome.run().diagnosis().divergence()).isEmpty();
    }

    @Test
    void kernelThatUsesSseIsExplainedAsWell() throws IOException {
        Outcome outcome = run("kernel-sse", EngineChoice.QEMU);

        assertThat(outcome.fault()).hasValueSatisfying(fault -> {
            assertThat(fault.at().symbol())
                    .hasValueSatisfying(symbol -> assertThat(symbol).startsWith("memset"));
            assertThat(fault.advice().get(0)).contains("is an SSE instruction");
        });
    }
}
