package dev.kvmguest.vmm.internal.x86;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuModeTests {

    @ParameterizedTest
    @CsvSource({"false, false, REAL16", "false, true, REAL32", "true, false, PROTECTED16", "true, true, PROTECTED32"})
    void peAndTheDBitOfCsMakeTheMode(boolean isProtected, boolean default32, CpuMode mode) {
        CpuState state = CpuState.builder()
                .set(Register.CR0, isProtected ? CpuState.CR0_PE : 0)
                .segment(SegmentRegister.CS, default32 ? SegmentState.flatCode(8) : SegmentState.real(0x100))
                .build();

        assertThat(CpuMode.of(isProtected, default32)).isEqualTo(mode);
        assertThat(CpuMode.of(state)).isEqualTo(mode);
        assertThat(mode.usesDescriptors()).isEqualTo(isProtected);
    }

    @ParameterizedTest
    @CsvSource({"0x20002, 1, VIRTUAL8086", "0x2, 1, PROTECTED16", "0x20002, 0, REAL16"})
    void vmInProtectedModeMakesItVirtual8086(String flags, long cr0, CpuMode mode) {
        CpuState state = CpuState.builder()
                .set(Register.CR0, cr0)
                .set(Register.RFLAGS, Long.decode(flags))
                .segment(SegmentRegister.CS, SegmentState.real(0x100))
                .set(Register.RIP, 0x20)
                .build();

        assertThat(CpuMode.of(state)).isEqualTo(mode);
        assertThat(state.virtual8086Mode()).isEqualTo(mode == CpuMode.VIRTUAL8086);
        assertThat(state.instructionPointer()).isEqualTo(mode == CpuMode.PROTECTED16 ? "0x100:0x20" : "0100:0020");
    }

    @Test
    void virtual8086ModeHasSegmentsAsInRealMode() {
        assertThat(CpuMode.VIRTUAL8086.usesDescriptors()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"REAL16, 2", "REAL32, 4", "PROTECTED16, 2", "PROTECTED32, 4", "VIRTUAL8086, 2"})
    void sizesFollowTheDBitOfCs(CpuMode mode, int size) {
        assertThat(mode.operandSize()).isEqualTo(size);
        assertThat(mode.addressSize()).isEqualTo(size);
        assertThat(mode.stackOperandSize()).isEqualTo(size);
        assertThat(mode.instructionPointerSize()).isEqualTo(4);
    }

    @Test
    void stackPointerIsAsWideAsTheBBitOfSsSays() {
        assertThat(CpuMode.PROTECTED16.stackAddressSize(true)).isEqualTo(4);
        assertThat(CpuMode.PROTECTED32.stackAddressSize(false)).isEqualTo(2);
    }

    @Test
    void linearAddressesWrapAt4GiB() {
        AddressPolicy addresses = CpuMode.REAL16.addresses();

        assertThat(addresses.linear(0xffff_0000L + 0x1_0010)).isEqualTo(0x10);
        assertThat(addresses.linear(-1)).isEqualTo(0xffff_ffffL);
        assertThat(addresses.mask()).isEqualTo(0xffff_ffffL);
    }

    @ParameterizedTest
    @CsvSource({"2, ffff", "4, ffffffff", "8, ffffffffffffffff"})
    void offsetsAreCutToTheAddressSize(int size, String mask) {
        assertThat(AddressPolicy.offsetMask(size)).isEqualTo(Long.parseUnsignedLong(mask, 16));
    }
}
