package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import org.apache.maven.plugin.MojoExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootParametersTests {

    private static final Duration WITHOUT_TIMEOUT = Duration.ofSeconds(77);

    private static final Outcome STOPPED = new Outcome.Stopped(new GuestRun(
            "kernel",
            BootMode.REAL,
            0,
            "kvm",
            "asked for",
            new byte[0],
            Map.of(),
            new TreeSet<>(),
            new TreeSet<>(),
            OptionalLong.empty(),
            Duration.ofMillis(1),
            Optional.empty(),
            MemoryLayout.UNKNOWN,
            Screen.BLANK,
            Optional.empty(),
            Diagnosis.NONE));

    private final VcpuConfig guest = VcpuConfig.of(GuestImage.flat("kernel", new byte[16]))
            .withBoot(BootMode.PROTECTED)
            .withLoad(0x8000)
            .withEntry(EntryPoint.linear(0x8004));
    private final BootParameters.Text text = new BootParameters.Text();

    @Test
    void commandLineAndModulesReplaceTheGuests(@TempDir Path folder) throws Exception {
        VcpuConfig kernel = guest.withBoot(BootMode.MULTIBOOT)
                .withCommandLine("built in")
                .withModules(List.of(new BootModule("old", new byte[1])));

        VcpuConfig unchanged = machine(kernel);
        text.commandLine = "";
        text.modules = List.of(
                Files.write(folder.resolve("new.img"), new byte[] {1, 2}).toFile());
        VcpuConfig replaced = machine(kernel);

        assertThat(unchanged.commandLine()).isEqualTo("built in");
        assertThat(unchanged.modules()).isEqualTo(kernel.modules());
        assertThat(replaced.commandLine()).isEmpty();
        assertThat(replaced.modules()).extracting(BootModule::commandLine).containsExactly("new.img");
        assertThat(replaced.modules().get(0).bytes()).containsExactly(1, 2);
    }

    private VcpuConfig machine(VcpuConfig kernel) throws MojoExecutionException {
        return BootParameters.read(text)
                .machine(kernel, OptionalLong.empty(), WITHOUT_TIMEOUT)
                .vcpus()
                .get(0);
    }

    @Test
    void moduleThatIsNotThereIsNamed(@TempDir Path folder) {
        text.modules = List.of(folder.resolve("nowhere").toFile());

        assertThatThrownBy(() -> BootParameters.read(text))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage("kvm.modules can't be read: " + folder.resolve("nowhere") + ": there is no such file");
    }

    @Test
    void whatIsNotGivenIsTheGuests() throws Exception {
        MachineConfig machine = BootParameters.read(text).machine(guest, OptionalLong.of(1 << 20), WITHOUT_TIMEOUT);

        assertThat(machine.vcpus()).containsExactly(guest);
        assertThat(machine.memorySize()).isEqualTo(1 << 20);
        assertThat(machine.timeout()).isEqualTo(WITHOUT_TIMEOUT);
        assertThat(machine.date()).isEqualTo(MachineConfig.DEFAULT_DATE);
        assertThat(machine.watchExceptions()).isFalse();
        assertThat(machine.engine()).isEqualTo(EngineChoice.AUTO);
        assertThat(machine.qemuArguments()).isEmpty();
    }

    @Test
    void argumentsForQemuHaveBlanksBetweenThem() throws Exception {
        text.engine = "qemu";
        text.qemuArguments = " -device  edu ";

        MachineConfig machine = BootParameters.read(text).machine(guest, OptionalLong.empty(), WITHOUT_TIMEOUT);

        assertThat(machine.engine()).isEqualTo(EngineChoice.QEMU);
        assertThat(machine.qemuArguments()).containsExactly("-device", "edu");
    }

    @Test
    void whatIsGivenReplacesWhatTheGuestSays() throws Exception {
        text.boot = "real";
        text.load = "0x7c00";
        text.entry = "0x7c0:0x0";
        text.memory = "64K";
        text.input = "1\\n";
        text.timeout = "2m";
        text.date = "1999-12-31T23:59";
        text.watchExceptions = true;
        text.engine = "emulator";

        MachineConfig machine = BootParameters.read(text).machine(guest, OptionalLong.of(1 << 20), WITHOUT_TIMEOUT);

        VcpuConfig vcpu = machine.vcpus().get(0);
        assertThat(vcpu.boot()).isEqualTo(BootMode.REAL);
        assertThat(vcpu.load()).hasValue(0x7c00);
        assertThat(vcpu.entry()).isEqualTo(Optional.of(EntryPoint.segmented(0x7c0, 0)));
        assertThat(vcpu.input()).isEqualTo("1\n");
        assertThat(machine.memorySize()).isEqualTo(64 << 10);
        assertThat(machine.timeout()).isEqualTo(Duration.ofMinutes(2));
        assertThat(machine.date()).isEqualTo(LocalDateTime.of(1999, 12, 31, 23, 59));
        assertThat(machine.watchExceptions()).isTrue();
        assertThat(machine.engine()).isEqualTo(EngineChoice.EMULATOR);
    }

    @Test
    void badValueIsNamedByItsProperty() {
        text.expect = "dead";

        assertThatThrownBy(() -> BootParameters.read(text))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessageStartingWith("kvm.expect: outcome \"dead\" is unknown; use one of halted, ");
    }

    @Test
    void userWhoEndsTheRunHasSeenNoFailureUnlessAnEndIsNamed() throws Exception {
        assertThat(BootParameters.read(text).mismatches(STOPPED, true)).isEmpty();
        // Without a keyboard nobody has seen it.
        assertThat(BootParameters.read(text).mismatches(STOPPED, false))
                .extracting(Mismatch::sentence)
                .containsExactly("expected the guest to end normally, but it was stopped while it was running");

        text.console = "login:";
        assertThat(BootParameters.read(text).mismatches(STOPPED, true)).hasSize(2);
        text.console = null;
        text.exitCode = "0";
        assertThat(BootParameters.read(text).mismatches(STOPPED, true)).hasSize(1);
        text.exitCode = null;
        text.expect = "halted";
        assertThat(BootParameters.read(text).mismatches(STOPPED, true)).hasSize(1);
        text.expect = "stopped";
        assertThat(BootParameters.read(text).mismatches(STOPPED, true)).isEmpty();
    }
}
