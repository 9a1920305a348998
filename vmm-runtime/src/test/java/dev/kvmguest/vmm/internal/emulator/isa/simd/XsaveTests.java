package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class XsaveTests {

    private static final String XGETBV = "0f 01 d0";
    private static final String XSETBV = "0f 01 d1";
    private static final String XSAVE = "0f ae 23";
    private static final String XRSTOR = "0f ae 2b";
    private static final int HEADER = FpuCpu.DATA + XsaveArea.XSTATE_BV;
    private static final int MXCSR = FpuCpu.DATA + XsaveArea.MXCSR;
    private static final long BOTH = XsaveArea.X87 | XsaveArea.SSE;

    private final FpuCpu guest = new FpuCpu();

    @BeforeEach
    void turnOn() {
        guest.cpu.setCr4(Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.OSXSAVE);
        guest.cpu.setXcr0(BOTH);
        ask(BOTH);
    }

    private void ask(long components) {
        guest.cpu.registers.set(Registers.RAX, 4, components);
        guest.cpu.registers.set(Registers.RDX, 4, components >>> 32);
    }

    @ParameterizedTest
    @ValueSource(strings = {XGETBV, XSETBV, XSAVE, XRSTOR})
    void nothingIsThereBeforeTheSystemTurnsItOn(String code) {
        guest.cpu.setCr4(Cr4.OSFXSR);

        guest.assertFault(code, Vector.UD);
    }

    @Test
    void xcr0IsReadInTwoHalves() {
        ask(-1);
        guest.run(XGETBV);

        assertThat(guest.cpu.registers.gpr[Registers.RAX]).isEqualTo(BOTH);
        assertThat(guest.cpu.registers.gpr[Registers.RDX]).isZero();
    }

    @Test
    void xcr0IsSet() {
        ask(XsaveArea.X87);
        guest.run(XSETBV);

        assertThat(guest.cpu.xcr0()).isEqualTo(XsaveArea.X87);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 2, 7, 0x13, 0x203, 0x1_0000_0003L, 0x8000_0000_0000_0003L})
    void xcr0RefusesComponentsThatAreNotThereAndHasX87Always(long value) {
        ask(value);

        guest.assertFault(XSETBV, Vector.GP);
        assertThat(guest.cpu.xcr0()).isEqualTo(BOTH);
    }

    @ParameterizedTest
    @ValueSource(strings = {XGETBV, XSETBV})
    void thereIsOneExtendedControlRegister(String code) {
        guest.cpu.registers.set(Registers.RCX, 4, 1);

        guest.assertFault(code, Vector.GP);
    }

    @ParameterizedTest
    @CsvSource({"1, 13", "3, 13"})
    void xcr0IsSetInRing0Only(int ring, int vector) {
        try (EmulatedGuest user = EmulatedGuest.flat(ring)) {
            user.change(state -> state.set(Register.CR4, Cr4.OSXSAVE).set(Register.RAX, 1));
            user.run(XSETBV);

            assertThat(user.vector()).isEqualTo(vector);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {XSAVE, XRSTOR})
    void taskSwitchedCountsAndEmulationDoesNot(String code) {
        guest.run(XSAVE).cr0(Cr0.EM, true).run(code);

        guest.cr0(Cr0.TS, true).assertFault(code, Vector.NM);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f ae 63 20", "0f ae 6b 20", "0f ae 63 01", "0f ae 6b 10"})
    void areaIsOnABoundaryOf64Bytes(String code) {
        guest.assertFault(code, Vector.GP);
    }

    @Test
    void whatIsSavedComesBack() {
        guest.fpu.setMxcsr(0x3f80);
        guest.xmm(0, 1, 2).xmm(7, 3, 4).run("d9 eb").run(XSAVE); // fldpi

        FpuCpu other = new FpuCpu();
        other.cpu.setCr4(Cr4.OSFXSR | Cr4.OSXSAVE);
        other.cpu.setXcr0(BOTH);
        other.cpu.registers.gpr[Registers.RAX] = BOTH;
        other.ram.put(guest.ram.duplicate().clear());
        other.run(XRSTOR);

        assertThat(other.fpu.xmm).isEqualTo(guest.fpu.xmm);
        assertThat(other.fpu.mxcsr()).isEqualTo(0x3f80);
        assertThat(other.fpu.top()).isEqualTo(7);
        assertThat(other.fpu.significand(0)).isEqualTo(guest.fpu.significand(0));
        assertThat(other.fpu.used()).isEqualTo(0x80);
    }

    @Test
    void headerNamesWhatIsNotInItsInitialState() {
        guest.ram.putLong(HEADER, -1L).putLong(HEADER + 8, 5);
        guest.run(XSAVE);
        assertThat(guest.ram.getLong(HEADER)).as("what isn't asked for stays").isEqualTo(~BOTH);
        assertThat(guest.ram.getLong(HEADER + 8)).as("nothing else is written").isEqualTo(5);

        guest.xmm(3, 1, 0).run(XSAVE);
        assertThat(guest.ram.getLong(HEADER)).isEqualTo(~XsaveArea.X87);

        guest.xmm(3, 0, 0).run("d9 ee ").run(XSAVE); // fldz
        assertThat(guest.ram.getLong(HEADER)).isEqualTo(~XsaveArea.SSE);
    }

    @Test
    void onlyWhatIsAskedForAndTurnedOnIsSaved() {
        guest.ram.putInt(MXCSR, 0x1234).putLong(FpuCpu.DATA + XsaveArea.XMM0, 0x77);
        ask(XsaveArea.X87);
        guest.xmm(0, 1, 2).run(XSAVE);
        assertThat(guest.ram.getInt(MXCSR)).isEqualTo(0x1234);
        assertThat(guest.ram.getLong(FpuCpu.DATA + XsaveArea.XMM0)).isEqualTo(0x77);
        assertThat(guest.ram.getShort(FpuCpu.DATA)).isEqualTo((short) 0x37f);

        guest.ram.putShort(FpuCpu.DATA, (short) 0x99);
        ask(XsaveArea.SSE | ~BOTH);
        guest.run(XSAVE);
        assertThat(guest.ram.getShort(FpuCpu.DATA)).isEqualTo((short) 0x99);
        assertThat(guest.ram.getInt(MXCSR)).isEqualTo(0x1f80);
        assertThat(guest.ram.getLong(FpuCpu.DATA + XsaveArea.XMM0)).isEqualTo(2);
        assertThat(guest.ram.getLong(FpuCpu.DATA + 288)).isZero();
    }

    @Test
    void whatTheHeaderDoesNotNameGetsItsInitialState() {
        guest.run(XSAVE).ram.putInt(MXCSR, 0x9f80).putShort(FpuCpu.DATA, (short) 0x360);
        guest.xmm(1, 5, 6).run("d9 eb"); // fldpi
        guest.fpu.setControl(0x340);

        guest.run(XRSTOR);

        assertThat(guest.fpu.isXmmInitial()).isTrue();
        assertThat(guest.fpu.isX87Initial()).isTrue();
        assertThat(guest.fpu.mxcsr()).as("comes from memory all the same").isEqualTo(0x9f80);
    }

    @Test
    void whatIsNotAskedForStays() {
        guest.run(XSAVE);
        ask(XsaveArea.X87);
        guest.xmm(1, 5, 6).fpu.setMxcsr(0x3f80);
        guest.run("d9 eb").run(XRSTOR); // fldpi

        assertThat(guest.high(1)).isEqualTo(5);
        assertThat(guest.fpu.mxcsr()).isEqualTo(0x3f80);
        assertThat(guest.fpu.isX87Initial()).isTrue();
        ask(XsaveArea.SSE);
        guest.run("d9 eb").run(XRSTOR);
        assertThat(guest.fpu.used()).isEqualTo(0x80);
        assertThat(guest.fpu.isXmmInitial()).isTrue();
    }

    /** An offset in the area, what is there, and XCR0. */
    @ParameterizedTest
    @CsvSource({
        "512, 0x4, 3", // XSTATE_BV: what doesn't exist
        "512, 0x2, 1", // what is turned off
        "512, 0x8000000000000000, 3",
        "520, 0x8000000000000000, 3", // XCOMP_BV: the compacted form
        "520, 0x1, 3",
        "528, 0x1, 3", // reserved
        "24, 0x10000, 3" // MXCSR
    })
    void headerAndMxcsrAreChecked(int offset, String value, long xcr0) {
        guest.cpu.setXcr0(xcr0);
        guest.ram.putLong(FpuCpu.DATA + offset, Long.parseUnsignedLong(value.substring(2), 16));
        guest.fpu.setControl(0x340);

        guest.assertFault(XRSTOR, Vector.GP);
        assertThat(guest.fpu.control()).isEqualTo(0x340);
    }

    @Test
    void restOfTheHeaderIsNotLookedAt() {
        guest.ram.putLong(HEADER + 24, -1).putLong(HEADER + 56, -1);

        guest.run(XRSTOR);
    }

    @Test
    void areaWrapsAt64KiBWith16BitAddresses() {
        try (EmulatedGuest real = EmulatedGuest.real()) {
            real.change(state -> state.set(Register.CR4, Cr4.OSXSAVE).set(Register.RAX, 1));
            // fldpi; xsave [0xffc0]
            real.run("d9 eb 0f ae 26 c0 ff");

            assertThat(real.vector()).isEqualTo(-1);
            assertThat(real.memory().readShort(0xffc0)).isEqualTo(0x37f);
            assertThat(real.memory().readInt(XsaveArea.XSTATE_BV - 0x40) & 3).isEqualTo(1);
        }
    }
}
