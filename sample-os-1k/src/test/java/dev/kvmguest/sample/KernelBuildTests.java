package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static dev.kvmguest.sample.ShellSession.PRIMES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernel as compiled for other processors and at other levels of optimization; on the emulator. */
class KernelBuildTests {

    @ParameterizedTest
    @CsvSource({
        "kernel,       paged", // -march=i686 -O2, which kvm:assemble gives every guest
        "kernel-i386,  paged",
        "kernel-i386,  paged-4k",
        "kernel-o0,    paged",
        "kernel-o0,    paged-4k",
        "kernel-o1,    paged",
        "kernel-o1,    paged-4k",
        "kernel-os,    paged",
        "kernel-os,    paged-4k",
        "kernel-x86_64,           long", // -march=x86-64 -O2, and so on
        "kernel-x86_64-multiboot, multiboot",
        "kernel-x86_64-multiboot, multiboot2",
        "kernel-x86_64-multiboot, protected",
        "kernel-x86_64-o0,        long",
        "kernel-x86_64-os,        long"
    })
    void bootsRunsAProgramAndExits(String id, String boot) throws IOException {
        ShellSession shell = id.startsWith("kernel-x86_64") ? ShellSession.X86_64 : ShellSession.I386;
        VcpuConfig vcpu = VcpuConfig.of(find(id)).withBoot(BootMode.parse(boot)).withInput("5\ndivide\n0\n");
        MachineConfig config =
                MachineConfig.builder().vcpu(vcpu).engine(EngineChoice.EMULATOR).build();
        try (Machine machine = Machine.create(config)) {
            Outcome outcome = machine.run();
            assertThat(outcome).debugExited(0).consoleMatches("#DE divide error at 0x4000[0-9a-f]{4}\n");
            assertThat(outcome.console().replaceAll("divide was .*\n", ""))
                    .isEqualTo(shell.session("5", PRIMES, "divide", ""));
        }
    }

    private static GuestManifest.Located find(String id) throws IOException {
        return GuestManifest.find(KernelBuildTests.class.getClassLoader(), id);
    }
}
