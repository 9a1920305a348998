package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Flag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Virtual-8086 mode, with and without VME; and PVI, which is VME's part for ring 3 of protected mode. */
class Virtual8086Tests {

    /** CS:0 is where the guest's code is. */
    private static final int CS = EmulatedGuest.CODE >> 4;

    private static final int SS = 0x800;
    private static final int SP = 0x100;
    private static final int STACK = (SS << 4) + SP;
    private static final int DS = 0x900;
    private static final int ES = 0xa00;
    private static final int FS = 0xb00;
    private static final int GS = 0xc00;

    private static final int TSS = 0x1200;
    private static final int IO_MAP = 0x88;
    private static final int HANDLER_STACK = 0x3000;
    private static final int VME = 1;
    private static final int PVI = 2;
    private static final int VECTOR_TARGET = 0x200;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    private static SegmentState segment(int selector) {
        return new SegmentState(selector, selector * 16L, 0xffff, 0xf3);
    }

    /** Puts the guest into virtual-8086 mode, at its code's first byte. */
    private void enter(int iopl, int flags, int cr4) {
        guest.change(state -> state.segment(SegmentRegister.CS, segment(CS))
                .segment(SegmentRegister.SS, segment(SS))
                .segment(SegmentRegister.DS, segment(DS))
                .segment(SegmentRegister.ES, segment(ES))
                .segment(SegmentRegister.FS, segment(FS))
                .segment(SegmentRegister.GS, segment(GS))
                .set(Register.RIP, 0)
                .set(Register.RSP, SP)
                .set(Register.CR4, cr4)
                .set(Register.RFLAGS, Flag.FIXED | Flag.VM | flags | iopl << 12));
        // Interrupt redirection: to the 8086 program, but for 0x80 to 0x87. I/O: none but port 0xe9.
        guest.memory().writeShort(TSS + 0x66, IO_MAP);
        Descriptors.taskLimit(guest, IO_MAP + 0x40);
        guest.memory().writeByte(TSS + IO_MAP - 32 + 0x10, 0xff);
        for (int i = 0; i < 0x41; i++) {
            guest.memory().writeByte(TSS + IO_MAP + i, i == 0xe9 / 8 ? 0xfd : 0xff);
        }
        guest.memory().writeInt(4 * 0x21, CS << 16 | VECTOR_TARGET);
    }

    private long flags() {
        return guest.get(Register.RFLAGS) & ~Flag.RF;
    }

    private int word(int linear) {
        return guest.memory().readShort(linear) & 0xffff;
    }

    private SegmentState segment(SegmentRegister register) {
        return guest.vcpu().state().segment(register);
    }

    @Test
    void iretdOfRing0EntersIt() {
        int[] frame = {0x20, 0xffff_0000 | CS, Flag.FIXED | Flag.VM | Flag.IF | Flag.VIF, SP, SS, ES, DS, FS, GS};
        for (int i = 0; i < frame.length; i++) {
            guest.memory().writeInt(EmulatedGuest.STACK + 4 * i, frame[i]);
        }
        guest.put(EmulatedGuest.CODE, "cf").step();

        CpuState state = guest.vcpu().state();
        assertThat(CpuMode.of(state)).isEqualTo(CpuMode.VIRTUAL8086);
        assertThat(state.instructionPointer()).isEqualTo("0400:0020");
        assertThat(flags()).isEqualTo(frame[2]);
        assertThat(guest.get(Register.RSP)).isEqualTo(SP);
        assertThat(segment(SegmentRegister.CS)).isEqualTo(segment(CS));
        assertThat(segment(SegmentRegister.SS)).isEqualTo(segment(SS));
        assertThat(segment(SegmentRegister.DS)).isEqualTo(segment(DS));
        assertThat(segment(SegmentRegister.ES)).isEqualTo(segment(ES));
        assertThat(segment(SegmentRegister.FS)).isEqualTo(segment(FS));
        assertThat(segment(SegmentRegister.GS)).isEqualTo(segment(GS));
    }

    @Test
    void iretdRefusesAnAddressAbove64KiB() {
        int[] frame = {0x1_0000, CS, Flag.FIXED | Flag.VM, SP, SS, ES, DS, FS, GS};
        for (int i = 0; i < frame.length; i++) {
            guest.memory().writeInt(EmulatedGuest.STACK + 4 * i, frame[i]);
        }
        guest.run("cf");

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(2)).isEqualTo(8);
    }

    @Test
    void codeIsSixteenBitWithSegmentsAsInRealMode() {
        enter(3, 0, 0);
        // mov ax,0x1234; mov ds,ax; mov [8],ax; push ds; pop es; call 0410:0000; the routine there: retf; int 0x80
        guest.put(0x4100, "cb").run("b8 34 12 8e d8 a3 08 00 1e 07 9a 00 00 10 04 cd 80");

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.stack(0)).as("IP").isEqualTo(17);
        assertThat(guest.stack(6)).as("DS").isEqualTo(0x1234);
        assertThat(guest.stack(5)).as("ES").isEqualTo(0x1234);
        assertThat(word(0x1_2348)).isEqualTo(0x1234);
        assertThat(word(STACK - 4)).as("the return address").isEqualTo(15);
        assertThat(word(STACK - 2)).isEqualTo(CS);
    }

    @Test
    void interruptPushesTheSegmentsAndLeavesIt() {
        enter(3, Flag.IF, 0);
        guest.run("cd 80");

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.get(Register.RSP)).isEqualTo(HANDLER_STACK - 36);
        int[] frame = {2, CS, Flag.FIXED | Flag.VM | Flag.IF | Flag.IOPL, SP, SS, ES, DS, FS, GS};
        for (int i = 0; i < frame.length; i++) {
            assertThat(guest.stack(i)).as("word " + i).isEqualTo(frame[i]);
        }
        assertThat(guest.get(Register.RFLAGS) & (Flag.VM | Flag.IF)).isZero();
        assertThat(segment(SegmentRegister.CS).selector()).isEqualTo(8);
        assertThat(segment(SegmentRegister.DS).isUnusable()).isTrue();
        assertThat(segment(SegmentRegister.ES).isUnusable()).isTrue();
        assertThat(segment(SegmentRegister.FS).isUnusable()).isTrue();
        assertThat(segment(SegmentRegister.GS)).isEqualTo(SegmentState.unusable());
    }

    @Test
    void handlersIretdGoesBackToIt() {
        enter(3, 0, 0);
        Descriptors.putGate(guest, 0x81, Descriptors.gate(0xee, 8, 0x6000));
        guest.put(0x6000, "cf").run("cd 81 cd 80");

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.stack(0)).isEqualTo(4);
        assertThat(guest.stack(6)).isEqualTo(DS);
    }

    @Test
    void externalInterruptLeavesItWhateverIoplIs() {
        enter(0, Flag.IF, 0);
        guest.vcpu().injectInterrupt(0x99);
        guest.run("90");

        assertThat(guest.vector()).isEqualTo(0x99);
        assertThat(guest.stack(1)).isEqualTo(CS);
        assertThat(guest.get(Register.RSP)).isEqualTo(HANDLER_STACK - 36);
    }

    @Test
    void handlerHasToBeInRing0() {
        enter(3, 0, 0);
        Descriptors.putGate(guest, 0x81, Descriptors.gate(0xee, 0x38, 0x6000));
        guest.run("cd 81");

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(0)).isEqualTo(0x38);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fa", "fb", "9c", "66 9c", "9d", "66 9d", "cd 80", "cf", "66 cf"})
    void whatDependsOnIoplNeedsIopl3(String code) {
        enter(2, 0, 0);
        guest.run(code);

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(0)).isZero();
        assertThat(guest.stack(1)).as("IP").isZero();
        assertThat(guest.stack(4)).as("SP").isEqualTo(SP);
    }

    @ParameterizedTest(name = "{0} is vector {1} with any IOPL")
    @CsvSource({"cc, 3", "f1, 1", "f4, 13", "0f 01 16 00 00, 13", "0f 20 c0, 13", "0f 06, 13", "0f 32, 13"})
    void restIsThatOfRing3(String code, int vector) {
        enter(0, 0, VME);
        guest.run(code);

        assertThat(guest.vector()).isEqualTo(vector);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"0f 00 c0", "0f 00 c8", "0f 00 d0", "0f 00 d8", "0f 00 e0", "0f 02 c0", "0f 03 c0", "63 c0"})
    void whatIsAboutDescriptorsDoesNotExist(String code) {
        enter(3, 0, 0);
        guest.run(code);

        assertThat(guest.vector()).isEqualTo(6);
    }

    @ParameterizedTest(name = "port 0x{0}, IOPL {1}: {2}")
    @CsvSource({"e9, 0, true", "e9, 3, true", "e8, 3, false", "e8, 0, false"})
    void portsAreForTheBitmapWhateverIoplIs(String port, int iopl, boolean allowed) {
        enter(iopl, 0, 0);
        VmExit exit = guest.run("e6 " + port);

        assertThat(exit instanceof VmExit.PortOut).isEqualTo(allowed);
        assertThat(guest.vector()).isEqualTo(allowed ? -1 : 13);
    }

    @Test
    void flagsOfIopl3AreAllButIopl() {
        enter(3, 0, 0);
        guest.memory().writeShort(STACK, 0x0ad7);
        guest.run("9d 9c cd 80"); // popf; pushf

        assertThat(word(STACK)).isEqualTo(0x3ad7);
        assertThat(guest.stack(2)).isEqualTo(Flag.VM | 0x3ad7);
    }

    @Test
    void iretOfIopl3LeavesIopl() {
        enter(3, 0, 0);
        guest.memory().writeShort(STACK, 0x20);
        guest.memory().writeShort(STACK + 2, CS);
        guest.memory().writeShort(STACK + 4, 0x0ad7);
        guest.put(0x4020, "cd 80").run("cf");

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.stack(0)).isEqualTo(0x22);
        assertThat(guest.stack(2)).isEqualTo(Flag.VM | 0x3ad7);
        assertThat(guest.stack(3)).isEqualTo(SP + 6);
    }

    @Test
    void vmeHasVifInPlaceOfIf() {
        enter(0, Flag.IF, VME);
        guest.put(EmulatedGuest.CODE, "fb fa 90").step();
        assertThat(flags()).isEqualTo(Flag.FIXED | Flag.VM | Flag.IF | Flag.VIF);

        guest.step();
        assertThat(flags()).isEqualTo(Flag.FIXED | Flag.VM | Flag.IF);
    }

    @Test
    void pendingVirtualInterruptMakesStiAFault() {
        enter(0, Flag.VIP, VME);
        guest.run("fb");

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(1)).isZero();
    }

    @ParameterizedTest(name = "with flags 0x{0} PUSHF gives 0x{1}")
    @CsvSource({"80000, 3202", "200, 3002"})
    void pushfShowsVifAsIfAndIopl3(String flags, String pushed) {
        enter(0, Integer.parseInt(flags, 16), VME);
        guest.put(EmulatedGuest.CODE, "9c").step();

        assertThat(word(STACK - 2)).isEqualTo(Integer.parseInt(pushed, 16));
    }

    @ParameterizedTest(name = "POPF of 0x{0} with flags 0x{1}: flags 0x{2}")
    @CsvSource({"3202, 0, a0002", "0002, 80200, 20202", "4003, 100000, 124003"})
    void popfSetsVif(String popped, String before, String after) {
        enter(0, Integer.parseInt(before, 16), VME);
        guest.memory().writeShort(STACK, Integer.parseInt(popped, 16));
        guest.put(EmulatedGuest.CODE, "9d").step();

        assertThat(flags()).isEqualTo(Integer.parseInt(after, 16));
        assertThat(guest.get(Register.RSP)).isEqualTo(SP + 2);
    }

    @ParameterizedTest(name = "{0} of 0x{1} with flags 0x{2}")
    @CsvSource({"9d, 102, 0", "9d, 202, 100000", "cf, 102, 0", "cf, 202, 100000", "66 9d, 2, 0", "66 cf, 2, 0"})
    void vmeCanNotTraceNorTakeWhatIsPending(String code, String image, String flags) {
        enter(0, Integer.parseInt(flags, 16), VME);
        int offset = code.equals("cf") ? 4 : 0;
        guest.memory().writeShort(STACK + offset, Integer.parseInt(image, 16));
        guest.run(code);

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(4)).as("SP").isEqualTo(SP);
    }

    @Test
    void iretWithVmeSetsVif() {
        enter(0, Flag.IF, VME);
        guest.memory().writeShort(STACK, 0x20);
        guest.memory().writeShort(STACK + 2, CS);
        guest.memory().writeShort(STACK + 4, 0x0203);
        guest.put(EmulatedGuest.CODE, "cf").step();

        assertThat(guest.get(Register.RIP)).isEqualTo(0x20);
        assertThat(flags()).isEqualTo(Flag.FIXED | Flag.VM | Flag.IF | Flag.VIF | Flag.CF);
    }

    @ParameterizedTest(name = "IOPL {0}, flags 0x{1}: pushes 0x{2}, then 0x{3}")
    @CsvSource({"0, 80000, 3202, 20002", "0, 200, 3002, 20202", "3, 200, 3202, 23002"})
    void vmeRedirectsInterruptsTo8086Handlers(int iopl, String flags, String pushed, String after) {
        enter(iopl, Integer.parseInt(flags, 16), VME);
        guest.put(EmulatedGuest.CODE, "cd 21").step();

        assertThat(guest.get(Register.RIP)).isEqualTo(VECTOR_TARGET);
        assertThat(segment(SegmentRegister.CS).selector()).isEqualTo(CS);
        assertThat(guest.get(Register.RSP)).isEqualTo(SP - 6);
        assertThat(word(STACK - 6)).isEqualTo(2);
        assertThat(word(STACK - 4)).isEqualTo(CS);
        assertThat(word(STACK - 2)).isEqualTo(Integer.parseInt(pushed, 16));
        assertThat(flags()).isEqualTo(Integer.parseInt(after, 16));
    }

    @ParameterizedTest(name = "IOPL {0}: vector {1}")
    @CsvSource({"3, 0x80", "2, 13"})
    void redirectionBitSendsInterruptsToTheIdt(int iopl, String vector) {
        enter(iopl, 0, VME);
        guest.run("cd 80");

        assertThat(guest.vector()).isEqualTo((int) Integer.decode(vector));
    }

    @Test
    void tssWithoutRedirectionBitmapIsGeneralProtection() {
        enter(3, 0, VME);
        Descriptors.taskLimit(guest, 0x66);
        guest.run("cd 21");

        assertThat(guest.vector()).isEqualTo(13);
    }

    @Test
    void breakpointsAreNeverRedirected() {
        enter(3, 0, VME);
        guest.run("cc");

        assertThat(guest.vector()).isEqualTo(3);
    }

    @ParameterizedTest(name = "{0} with flags 0x{1}: 0x{2}")
    @CsvSource({"fb, 200, 80202", "fa, 80200, 202", "fa, 3200, 3002"})
    void pviHasVifInRing3OfProtectedMode(String code, String before, String after) {
        guest.close();
        guest = EmulatedGuest.flat(3);
        guest.set(Register.CR4, PVI).flags(Integer.parseInt(before, 16));
        guest.put(EmulatedGuest.CODE, code).step();

        assertThat(flags()).isEqualTo(Integer.parseInt(after, 16));
    }

    @Test
    void pviIsForRing3Alone() {
        guest.close();
        guest = EmulatedGuest.flat(1);
        guest.set(Register.CR4, PVI).run("fa");

        assertThat(guest.vector()).isEqualTo(13);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "fa, cli, IOPL is below the privilege level",
        "cd 80, int 0x80, IOPL is below 3 in virtual-8086 mode",
        "f4, hlt, the instruction is for privilege level 0",
        "'e4 60', 'in al, 0x60', the I/O permission bits in the TSS don't allow the port",
    })
    void deadVirtual8086GuestIsShownInItsSegmentsWithTheReason(String code, String text, String cause) {
        enter(0, 0, 0);
        guest.change(state -> state.idt(new DescriptorTable(0, 0)));
        assertThat(guest.run(code)).isInstanceOf(VmExit.Shutdown.class);

        Fault fault = guest.vcpu().observer().orElseThrow().fault().orElseThrow();
        assertThat(fault.registers().codeAddress(fault.at().eip())).isEqualTo("0400:0000");
        assertThat(fault.at().text()).isEqualTo(text);
        assertThat(fault.chain().get(0).cause()).hasValue(cause);
    }
}
