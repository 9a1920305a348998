package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FastSystemCallsTests {

    private static final String SYSENTER = "0f 34";
    private static final String SYSEXIT = "0f 35";
    private static final int TARGET = 0x5000;
    private static final int STACK = 0x7000;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    void sysenterGoesToRing0WithFlatSegments() {
        setMsrs(8);
        guest.put(TARGET, "f4").change(state -> state.segment(SegmentRegister.CS, SegmentState.flatCode(0x3b))
                .segment(SegmentRegister.SS, new SegmentState(0x43, 0x100, 0xfff, 0x40f3))
                .set(Register.RFLAGS, 0x202));

        guest.run(SYSENTER);

        CpuState state = guest.vcpu().state();
        assertThat(state.get(Register.RIP)).isEqualTo(TARGET + 1);
        assertThat(state.get(Register.RSP)).isEqualTo(STACK);
        assertThat(state.get(Register.RFLAGS)).isEqualTo(2);
        assertThat(state.segment(SegmentRegister.CS)).isEqualTo(SegmentState.flatCode(8));
        assertThat(state.segment(SegmentRegister.SS)).isEqualTo(SegmentState.flatData(16));
    }

    @Test
    void sysexitGoesToRing3WithFlatSegments() {
        setMsrs(9);
        // mov eax, cr0 is #GP in ring 3: its frame says where we were.
        guest.put(TARGET, "0f 20 c0").set(Register.RDX, TARGET).set(Register.RCX, STACK);

        guest.run(SYSEXIT);

        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
        assertThat(guest.stack(1)).isEqualTo(TARGET);
        assertThat(guest.stack(2)).isEqualTo(0x1b);
        assertThat(guest.stack(4)).isEqualTo(STACK);
        assertThat(guest.stack(5)).isEqualTo(0x23);
    }

    @Test
    void withoutACodeSegmentBothAreRefused() {
        setMsrs(3);
        assertRefused(SYSENTER);
        assertRefused(SYSEXIT);
    }

    @Test
    void realModeHasNeither() {
        guest.close();
        guest = EmulatedGuest.real();
        assertRefused(SYSENTER);
        assertRefused(SYSEXIT);
    }

    @Test
    void sysexitNeedsRing0() {
        setMsrs(8);
        guest.change(state -> state.segment(SegmentRegister.CS, SegmentState.flatCode(0x3b))
                .segment(SegmentRegister.SS, SegmentState.flatData(0x43)));

        assertRefused(SYSEXIT);
    }

    private void assertRefused(String code) {
        guest.set(Register.RIP, EmulatedGuest.CODE).run(code);
        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
    }

    /** The code segment, and the fixed places to go to. */
    private void setMsrs(int selector) {
        writeMsr(MsrFile.SYSENTER_CS, selector);
        writeMsr(MsrFile.SYSENTER_ESP, STACK);
        writeMsr(MsrFile.SYSENTER_EIP, TARGET);
        guest.set(Register.RDX, 0);
    }

    private void writeMsr(int number, int value) {
        guest.set(Register.RCX, number)
                .set(Register.RAX, value)
                .set(Register.RDX, 0)
                .run("0f 30");
        guest.set(Register.RIP, EmulatedGuest.CODE);
    }
}
