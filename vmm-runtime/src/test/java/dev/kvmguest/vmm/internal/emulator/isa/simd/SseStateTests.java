package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SseStateTests {

    private final FpuCpu guest = new FpuCpu();

    @Test
    void saveLaysTheStateOutAsTheManualSays() {
        guest.xmm(0, 2, 1).xmm(7, 0x77, 0x70).run("d9 e8 d9 ee"); // fld1, fldz
        guest.run("0f ae 03");

        assertThat(guest.ram.getShort(FpuCpu.DATA)).isEqualTo((short) 0x37f);
        assertThat(guest.ram.getShort(FpuCpu.DATA + 2)).isEqualTo((short) 0x3000);
        assertThat(guest.ram.getShort(FpuCpu.DATA + 4)).isEqualTo((short) 0xc0);
        assertThat(guest.ram.getInt(FpuCpu.DATA + 8)).isEqualTo(FpuCpu.EIP);
        assertThat(guest.ram.getShort(FpuCpu.DATA + 12)).isEqualTo((short) 8);
        assertThat(guest.ram.getInt(FpuCpu.DATA + 24)).isEqualTo(0x1f80);
        assertThat(guest.ram.getInt(FpuCpu.DATA + 28)).isEqualTo(0xffff);
        assertThat(guest.ram.getLong(FpuCpu.DATA + 32)).isZero();
        assertThat(guest.ram.getLong(FpuCpu.DATA + 48)).isEqualTo(Long.MIN_VALUE);
        assertThat(guest.ram.getShort(FpuCpu.DATA + 56)).isEqualTo((short) 0x3fff);
        assertThat(guest.ram.getLong(FpuCpu.DATA + 160)).isEqualTo(1);
        assertThat(guest.ram.getLong(FpuCpu.DATA + 168)).isEqualTo(2);
        assertThat(guest.ram.getLong(FpuCpu.DATA + 280)).isEqualTo(0x77);
    }

    @Test
    void restoreBringsEverythingBack() {
        guest.xmm(3, 33, 34).run("d9 eb d9 03 0f ae 03"); // fldpi, fld, fxsave
        FpuCpu other = new FpuCpu();
        other.ram.put(guest.ram.duplicate().clear());

        other.run("0f ae 0b 0f ae 83 00 04 00 00"); // fxrstor [ebx], fxsave [ebx+0x400]

        for (int i = 0; i < 288; i += 8) {
            assertThat(other.ram.getLong(FpuCpu.DATA + 0x400 + i)).isEqualTo(guest.ram.getLong(FpuCpu.DATA + i));
        }
        assertThat(other.fpu.top()).isEqualTo(6);
        assertThat(other.high(3)).isEqualTo(33);
    }

    @Test
    void saveAndRestoreNeedAlignment() {
        guest.assertFault("0f ae 43 08", Vector.GP);
        guest.assertFault("0f ae 4b 08", Vector.GP);
    }

    @Test
    void restoreRefusesReservedBitsOfMxcsrAndChangesNothing() {
        guest.run("0f ae 03").ram.putInt(FpuCpu.DATA + 24, 0x10000).putShort(FpuCpu.DATA, (short) 0x360);

        guest.assertFault("0f ae 0b", Vector.GP);

        assertThat(guest.fpu.control()).isEqualTo(0x37f);
    }

    @Test
    void mxcsrIsLoadedAndStored() {
        guest.ram.putInt(FpuCpu.DATA, 0xffbf);
        guest.run("0f ae 13 0f ae 5b 04"); // ldmxcsr [ebx], stmxcsr [ebx+4]

        assertThat(guest.ram.getInt(FpuCpu.DATA + 4)).isEqualTo(0xffbf);
    }

    @ParameterizedTest
    @CsvSource({"0x10000", "0x80000000"})
    void reservedBitsOfMxcsrAreRefused(String value) {
        guest.ram.putInt(FpuCpu.DATA, Long.decode(value).intValue());

        guest.assertFault("0f ae 13", Vector.GP);
        assertThat(guest.fpu.mxcsr()).isEqualTo(0x1f80);
    }

    @Test
    void flushMayBeOfCodeThatCanOnlyBeExecuted() {
        SegmentState code = new SegmentState(8, 0, 0xffff, 0x4099);
        try (EmulatedGuest unreadable = EmulatedGuest.flat(0)) {
            unreadable.change(state -> state.segment(SegmentRegister.CS, code));

            unreadable.run("2e 0f ae 3d 00 90 00 00"); // clflush [cs:0x9000]
            assertThat(unreadable.vector()).isEqualTo(-1);
        }
        try (EmulatedGuest beyond = EmulatedGuest.flat(0)) {
            beyond.change(state -> state.segment(SegmentRegister.CS, code));

            beyond.run("2e 0f ae 3d 00 00 01 00"); // clflush [cs:0x10000]
            assertThat(beyond.vector()).isEqualTo(Vector.GP.number());
        }
    }

    @Test
    void saveWrapsAt64KiBWith16BitAddresses() {
        try (EmulatedGuest real = EmulatedGuest.real()) {
            real.run("0f ae 06 f0 ff"); // fxsave [0xfff0]

            assertThat(real.memory().readShort(0xfff0)).isEqualTo(0x37f);
            assertThat(real.memory().readInt(8)).as("MXCSR").isEqualTo(0x1f80);
            assertThat(real.vector()).isEqualTo(-1);
        }
    }

    @Test
    void overflowThatIsNotMaskedIsInexactOnlyIfItsSignificandIs() {
        guest.cpu.setCr4(guest.cpu.cr4() | Cr4.OSXMMEXCPT);
        guest.fpu.setMxcsr(0x1b80); // all masked but overflow

        guest.xmm(0, 0, 0x7f00_0000L).assertFault("f3 0f 59 c0", Vector.XM); // mulss xmm0,xmm0: 2^127 * 2^127
        assertThat(guest.fpu.mxcsr()).isEqualTo(0x1b80 | FpuState.OVERFLOW);

        guest.xmm(0, 0, 0x7f00_0001L).assertFault("f3 0f 59 c0", Vector.XM);
        assertThat(guest.fpu.mxcsr()).isEqualTo(0x1b80 | FpuState.OVERFLOW | FpuState.PRECISION);
    }
}
