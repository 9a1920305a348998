package dev.kvmguest.vmm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.image.GuestImage;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MachineConfigTests {

    private static final VcpuConfig GUEST = VcpuConfig.of(GuestImage.flat("hlt", new byte[] {(byte) 0xf4}));

    @Test
    void defaultsAre16MegabytesTenSecondsAndAnyEngine() {
        MachineConfig config = MachineConfig.builder().vcpu(GUEST).build();

        assertThat(config.vcpus()).containsExactly(GUEST);
        assertThat(config.memorySize()).isEqualTo(16 << 20);
        assertThat(config.timeout()).isEqualTo(Duration.ofSeconds(10));
        assertThat(config.engine()).isEqualTo(EngineChoice.AUTO);
        assertThat(config.date()).isEqualTo(LocalDateTime.of(2026, 1, 1, 0, 0));
    }

    @ParameterizedTest
    @ValueSource(longs = {64L << 10, (64L << 10) + 4096, 16L << 20, 2L << 30, 3L << 30, (16L << 30) + 4096, 63L << 30})
    void memoryWithinTheLimitsIsTaken(long bytes) {
        assertThat(MachineConfig.builder().vcpu(GUEST).memory(bytes).build().memorySize())
                .isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -4096, (64L << 10) - 4096, (64L << 10) + 1, (63L << 30) + 4096, Long.MAX_VALUE})
    void memoryOutsideTheLimitsIsRefused(long bytes) {
        MachineConfig.Builder builder = MachineConfig.builder().vcpu(GUEST).memory(bytes);

        assertThatIllegalArgumentException()
                .isThrownBy(builder::build)
                .withMessage("memory of " + bytes + " bytes can't be had; use a multiple of 4K from 64K to 63G");
    }

    @Test
    void dateThatCmosCannotHoldIsRefused() {
        MachineConfig.Builder builder = MachineConfig.builder().vcpu(GUEST).date(LocalDateTime.of(10_000, 1, 1, 0, 0));

        assertThatIllegalArgumentException()
                .isThrownBy(builder::build)
                .withMessage("date +10000-01-01T00:00 has a year beyond 0 to 9999, all that CMOS can hold");
    }

    @Test
    void machineNeedsAVcpu() {
        assertThatIllegalArgumentException()
                .isThrownBy(MachineConfig.builder()::build)
                .withMessage("a machine needs at least one vCPU with an image to run");
    }

    @ParameterizedTest
    @CsvSource({"PT0S, 0 ms", "PT-1S, -1000 ms"})
    void timeoutMustBePositive(Duration timeout, String words) {
        MachineConfig.Builder builder = MachineConfig.builder().vcpu(GUEST).timeout(timeout);

        assertThatIllegalArgumentException()
                .isThrownBy(builder::build)
                .withMessage("timeout of " + words + " must be longer than zero");
    }

    @ParameterizedTest
    @EnumSource(names = {"REAL", "PROTECTED", "PAGED", "PAGED_4K", "LONG"})
    void onlyLoadersTakeACommandLineOrModules(BootMode mode) {
        VcpuConfig guest = GUEST.withBoot(mode);
        String way = " can't be given to hlt in boot mode " + mode
                + "; only boot mode multiboot, multiboot2, limine, pvh or linux passes a command line and modules on";

        assertThatIllegalArgumentException()
                .isThrownBy(() -> MachineConfig.builder()
                        .vcpu(guest.withCommandLine("quiet"))
                        .build())
                .withMessage("command line \"quiet\"" + way);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MachineConfig.builder()
                        .vcpu(guest.withModules(List.of(new BootModule("initrd", new byte[1]))))
                        .build())
                .withMessage("modules" + way);
    }

    @Test
    void multibootTakesACommandLineAndModules() {
        VcpuConfig guest = GUEST.withBoot(BootMode.MULTIBOOT)
                .withCommandLine("quiet")
                .withModules(List.of(new BootModule("initrd", new byte[1])));

        assertThat(MachineConfig.builder().vcpu(guest).build().vcpus()).containsExactly(guest);
    }

    @Test
    void textThatTheKernelWouldReadOnlyInPartIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GUEST.withCommandLine("a\0b"))
                .withMessage("command line \"a\\0b\" has a NUL, with which it would end for the guest; leave it out");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new BootModule("a\0b", new byte[1]))
                .withMessage(
                        "command line of a module \"a\\0b\" has a NUL, with which it would end for the guest; leave it"
                                + " out");
    }

    @Test
    void severalVcpusMayBootInRealMode() {
        assertThat(MachineConfig.builder().vcpu(GUEST).vcpu(GUEST).build().vcpus())
                .hasSize(2);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "REAL")
    void severalVcpusMayBootInNoOtherMode(BootMode mode) {
        MachineConfig.Builder builder = MachineConfig.builder().vcpu(GUEST).vcpu(GUEST.withBoot(mode));

        assertThatIllegalArgumentException()
                .isThrownBy(builder::build)
                .withMessage("several vCPUs with an image each must boot in real mode; the descriptor tables of the"
                        + " other modes would be shared");
    }

    @Test
    void vcpusCannotBeChangedAfterwards() {
        MachineConfig config = MachineConfig.builder().vcpu(GUEST).build();

        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> config.vcpus().add(GUEST));
    }

    @Test
    void vcpuIsChangedByCopies() {
        VcpuConfig changed = GUEST.withBoot(BootMode.PAGED)
                .withLoad(0x2000)
                .withEntry(EntryPoint.linear(0x8000_2000L))
                .withInput("1\n\u00e4");

        assertThat(GUEST.boot()).isEqualTo(BootMode.REAL);
        assertThat(GUEST.load()).isEmpty();
        assertThat(GUEST.entry()).isEmpty();
        assertThat(GUEST.input()).isEmpty();
        assertThat(changed.image()).isSameAs(GUEST.image());
        assertThat(changed.boot()).isEqualTo(BootMode.PAGED);
        assertThat(changed.load()).hasValue(0x2000);
        assertThat(changed.entry()).contains(EntryPoint.linear(0x8000_2000L));
        assertThat(changed.inputBytes()).isEqualTo("1\n\u00e4".getBytes(StandardCharsets.UTF_8));
    }
}
