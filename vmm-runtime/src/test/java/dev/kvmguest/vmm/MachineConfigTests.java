package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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
    }

    @ParameterizedTest
    @ValueSource(longs = {64L << 10, (64L << 10) + 4096, 16L << 20, (2L << 30) - 4096})
    void memoryWithinTheLimitsIsTaken(long bytes) {
        assertThat(MachineConfig.builder().vcpu(GUEST).memory(bytes).build().memorySize())
                .isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -4096, (64L << 10) - 4096, (64L << 10) + 1, 2L << 30, Long.MAX_VALUE})
    void memoryOutsideTheLimitsIsRefused(long bytes) {
        MachineConfig.Builder builder = MachineConfig.builder().vcpu(GUEST).memory(bytes);

        assertThatIllegalArgumentException()
                .isThrownBy(builder::build)
                .withMessage("memory of " + bytes
                        + " bytes can't be had; use a multiple of 4K from 64K to 2G less 4K (2097148K)");
    }

    @Test
    void machineNeedsAVcpu() {
        assertThatIllegalArgumentException()
                .isThrownBy(MachineConfig.builder()::build)
                .withMessage("a machine needs at least one vCPU with an image to run");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT-1S"})
    void timeoutMustBePositive(Duration timeout) {
        MachineConfig.Builder builder = MachineConfig.builder().vcpu(GUEST).timeout(timeout);

        assertThatIllegalArgumentException()
                .isThrownBy(builder::build)
                .withMessage("timeout " + timeout + " must be longer than zero");
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
