package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.Flag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is pushed and what changes when a handler is entered. */
class ExceptionDeliveryTests {

    private static final String INT_80 = "cd 80";
    private static final String UD2 = "0f 0b";
    private static final int CODE = EmulatedGuest.CODE;
    private static final int HANDLER = 0x1000;
    private static final int INNER_STACK = 0x3000;
    private static final int INTERRUPT_GATE = 0xee;
    private static final int TRAP_GATE = 0xef;
    private static final int INTERRUPT_GATE_16 = 0xe6;
    /** Flags that a handler must not see changed. */
    private static final int OTHERS = Flag.CF | Flag.ZF | Flag.DF | Flag.OF | Flag.IOPL;

    private EmulatedGuest guest;

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    void realModePushesThreeWordsAndClearsIfTfAndAc() {
        guest = EmulatedGuest.real();
        guest.flags(Flag.IF | Flag.AC | OTHERS).run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK - 6);
        assertThat(word(0)).isEqualTo(CODE + 2);
        assertThat(word(2)).isZero();
        assertThat(word(4)).isEqualTo(Flag.FIXED | Flag.IF | OTHERS);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED | OTHERS);
    }

    @Test
    void realModeLoadsCodeSegmentFromTheVectorTable() {
        guest = EmulatedGuest.real();
        guest.memory().writeInt(4 * 6, 0x0010_0f06);
        guest.run(UD2);

        assertThat(guest.get(Register.RIP)).as("behind the handler's HLT").isEqualTo(0x0f07);
        assertThat(guest.vcpu().state().segment(SegmentRegister.CS))
                .isEqualTo(new SegmentState(0x10, 0x100, 0xffff, 0x93));
        assertThat(word(0)).isEqualTo(CODE);
    }

    @Test
    void realModeTableIsWhereIdtrSays() {
        guest = EmulatedGuest.real();
        guest.change(state -> state.idt(new DescriptorTable(0x9000, 0x3ff)));
        guest.memory().writeInt(0x9000 + 4 * 0x80, HANDLER + 0x33);
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x33);
    }

    @Test
    void realModeVectorBeyondTheLimitIsGeneralProtection() {
        guest = EmulatedGuest.real();
        guest.change(state -> state.idt(new DescriptorTable(0, 4 * 0x80 + 2)));
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.get(Register.RSP)).as("no error code").isEqualTo(EmulatedGuest.STACK - 6);
        assertThat(word(0)).isEqualTo(CODE);
    }

    @Test
    void realModeGeneralProtectionBeyondTheLimitIsADoubleFault() {
        guest = EmulatedGuest.real();
        guest.change(state -> state.idt(new DescriptorTable(0, 4 * 8 + 3)));
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(8);
        assertThat(word(0)).isEqualTo(CODE);
    }

    @Test
    void realModeWithoutAnyVectorShutsDownAndLeavesRegisters() {
        guest = EmulatedGuest.real();
        guest.change(state -> state.idt(new DescriptorTable(0, 4 * 8 + 2))).flags(Flag.IF);

        assertThat(guest.run(INT_80)).isInstanceOf(VmExit.Shutdown.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(CODE);
        assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED | Flag.IF);
    }

    @Test
    void realModeStackPointerWrapsBetweenWords() {
        guest = EmulatedGuest.real();
        guest.set(Register.RSP, 0x1234_0002).run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.get(Register.RSP)).isEqualTo(0x1234_fffc);
        assertThat(guest.memory().readShort(0xfffe)).isZero();
        assertThat(guest.memory().readShort(0xfffc)).isEqualTo(CODE + 2);
    }

    @Test
    void realModeWordAcrossTheEndOfTheStackSegmentShutsDown() {
        guest = EmulatedGuest.real();
        guest.set(Register.RSP, 1);

        assertThat(guest.run(INT_80)).as("#SS can't be delivered either").isInstanceOf(VmExit.Shutdown.class);
        assertThat(guest.get(Register.RSP)).isEqualTo(1);
    }

    @Test
    void interruptGateClearsIf() {
        guest = EmulatedGuest.flat(0);
        int before = Flag.IF | Flag.AC | Flag.ID | OTHERS;
        guest.flags(before).run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK - 12);
        assertThat(guest.stack(0)).isEqualTo(CODE + 2);
        assertThat(guest.stack(1)).isEqualTo(8);
        assertThat(guest.stack(2)).isEqualTo(Flag.FIXED | before);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED | before & ~Flag.IF);
    }

    @Test
    void trapGateLeavesIfAndClearsNestedTask() {
        guest = EmulatedGuest.flat(0);
        Descriptors.putGate(guest, 0x80, Descriptors.gate(TRAP_GATE, 8, HANDLER + 0x80));
        guest.flags(Flag.IF | Flag.NT).run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.stack(2)).isEqualTo(Flag.FIXED | Flag.IF | Flag.NT);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED | Flag.IF);
    }

    @Test
    void faultPushesItsOwnAddressAndRf() {
        guest = EmulatedGuest.flat(0);
        guest.run("90" + UD2);

        assertThat(guest.vector()).isEqualTo(6);
        assertThat(guest.get(Register.RSP)).as("no error code").isEqualTo(EmulatedGuest.STACK - 12);
        assertThat(guest.stack(0)).isEqualTo(CODE + 1);
        assertThat(guest.stack(2)).isEqualTo(Flag.FIXED | Flag.RF);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED);
    }

    @Test
    void faultPushesItsErrorCode() {
        guest = EmulatedGuest.flat(0);
        Descriptors.putGate(guest, 0x80, 0);
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK - 16);
        assertThat(guest.stack(0)).isEqualTo(0x80 * 8 + 2);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(guest.stack(2)).isEqualTo(8);
        assertThat(guest.stack(3)).isEqualTo(Flag.FIXED | Flag.RF);
    }

    @Test
    void innerLevelGetsItsStackFromTheTaskStateSegment() {
        guest = EmulatedGuest.flat(3);
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.get(Register.RSP)).isEqualTo(INNER_STACK - 20);
        assertThat(guest.stack(0)).isEqualTo(CODE + 2);
        assertThat(guest.stack(1)).isEqualTo(0x3b);
        assertThat(guest.stack(2)).isEqualTo(Flag.FIXED);
        assertThat(guest.stack(3)).isEqualTo(EmulatedGuest.STACK);
        assertThat(guest.stack(4)).isEqualTo(0x43);
        assertThat(guest.vcpu().state().segment(SegmentRegister.SS)).isEqualTo(SegmentState.flatData(0x10));
        assertThat(guest.vcpu().state().segment(SegmentRegister.CS)).isEqualTo(SegmentState.flatCode(0x08));
        assertThat(guest.vcpu().state().segment(SegmentRegister.DS))
                .as("data segments stay")
                .isEqualTo(SegmentState.flatData(0x43));
    }

    @Test
    void sixteenBitTaskStateSegmentHoldsSixteenBitStackPointers() {
        guest = EmulatedGuest.flat(3);
        guest.memory().writeShort(0x9002, 0x2f00);
        guest.memory().writeShort(0x9004, 0x10);
        guest.change(state -> state.segment(SegmentRegister.TR, new SegmentState(0x48, 0x9000, 5, 0x83)));
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.get(Register.RSP)).isEqualTo(0x2f00 - 20);
        assertThat(guest.stack(4)).isEqualTo(0x43);
    }

    @Test
    void sixteenBitGatePushesWords() {
        guest = EmulatedGuest.flat(3);
        Descriptors.putGate(guest, 0x80, Descriptors.gate(INTERRUPT_GATE_16, 8, 0x1234_0000L | HANDLER + 0x80));
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.get(Register.RSP)).isEqualTo(INNER_STACK - 10);
        assertThat(word(0)).isEqualTo(CODE + 2);
        assertThat(word(2)).isEqualTo(0x3b);
        assertThat(word(4)).isEqualTo(Flag.FIXED);
        assertThat(word(6)).isEqualTo(EmulatedGuest.STACK);
        assertThat(word(8)).isEqualTo(0x43);
    }

    @Test
    void sixteenBitGatePushesAWordOfErrorCode() {
        guest = EmulatedGuest.flat(0);
        Descriptors.putGate(guest, 0x80, 0);
        Descriptors.putGate(guest, 13, Descriptors.gate(INTERRUPT_GATE_16, 8, HANDLER + 13));
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK - 8);
        assertThat(word(0)).isEqualTo(0x402);
        assertThat(word(2)).isEqualTo(CODE);
    }

    @Test
    void sixteenBitInnerStackKeepsTheUpperHalfOfEsp() {
        guest = EmulatedGuest.flat(3);
        Descriptors.put(guest, Descriptors.FREE, Descriptors.segment16(Descriptors.DATA, 0x10000, 0xffff));
        Descriptors.innerStack(guest, 0, Descriptors.FREE, 0x5555_0004);
        guest.set(Register.RSP, 0x1234_8000).run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(guest.get(Register.RSP)).isEqualTo(0x1234_fff0);
        assertThat(guest.memory().readInt(0x10000)).as("SS").isEqualTo(0x43);
        assertThat(guest.memory().readInt(0x1fffc)).as("ESP").isEqualTo(0x1234_8000);
    }

    @Test
    void conformingHandlerRunsAtTheInterruptedLevel() {
        guest = EmulatedGuest.flat(1);
        Descriptors.put(guest, Descriptors.FREE, Descriptors.flat(Descriptors.CODE | 4));
        guest.put(CODE + 0x100, "0f 0b");
        Descriptors.putGate(guest, 0x80, Descriptors.gate(INTERRUPT_GATE, Descriptors.FREE | 3, CODE + 0x100));
        guest.run(INT_80);

        assertThat(guest.vector()).as("UD2 of the handler").isEqualTo(6);
        assertThat(guest.stack(0)).isEqualTo(CODE + 0x100);
        assertThat(guest.stack(1)).as("RPL is the level").isEqualTo(Descriptors.FREE | 1);
        assertThat(guest.stack(3)).as("its own stack").isEqualTo(EmulatedGuest.STACK - 12);
        assertThat(guest.stack(4)).isEqualTo(0x21);
    }

    @Test
    void descriptorsBecomeAccessed() {
        guest = EmulatedGuest.flat(3);
        Descriptors.put(guest, Descriptors.FREE, Descriptors.flat(0x9a));
        Descriptors.put(guest, Descriptors.FREE_2, Descriptors.flat(0x92));
        Descriptors.putGate(guest, 0x80, Descriptors.gate(INTERRUPT_GATE, Descriptors.FREE, HANDLER + 0x80));
        Descriptors.innerStack(guest, 0, Descriptors.FREE_2, INNER_STACK);
        guest.run(INT_80);

        assertThat(guest.vector()).isEqualTo(0x80);
        assertThat(Descriptors.get(guest, Descriptors.FREE)).isEqualTo(Descriptors.flat(0x9b));
        assertThat(Descriptors.get(guest, Descriptors.FREE_2)).isEqualTo(Descriptors.flat(0x93));
        assertThat(guest.vcpu().state().segment(SegmentRegister.SS).accessRights())
                .isEqualTo(0xc093);
    }

    @Test
    void pageFaultSetsCr2BeforeTheGateIsLookedAt() {
        guest = EmulatedGuest.paged(0);
        Descriptors.putGate(guest, 14, 0);
        guest.page(0x9000, 0).run("f7 35 34 92 00 00"); // div dword [0x9234]

        assertThat(guest.vector()).as("#PF and #GP are #DF").isEqualTo(8);
        assertThat(guest.get(Register.CR2)).isEqualTo(0x9234);
    }

    @Test
    void externalInterruptPushesTheNextInstruction() {
        guest = EmulatedGuest.flat(3);
        guest.flags(Flag.IF | OTHERS).put(CODE, "f4");
        guest.vcpu().injectInterrupt(0x21);
        guest.run();

        assertThat(guest.vector()).isEqualTo(0x21);
        assertThat(guest.stack(0)).isEqualTo(CODE);
        assertThat(guest.stack(2)).isEqualTo(Flag.FIXED | Flag.IF | OTHERS);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED | OTHERS);
    }

    @Test
    void externalInterruptThatCannotBeDeliveredIsAFaultWithExt() {
        guest = EmulatedGuest.flat(3);
        Descriptors.putGate(guest, 0x21, 0);
        guest.flags(Flag.IF).put(CODE, "f4");
        guest.vcpu().injectInterrupt(0x21);
        guest.run();

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(0)).isEqualTo(0x21 * 8 + 3);
        assertThat(guest.stack(1)).isEqualTo(CODE);
    }

    @Test
    void interruptPushesRfAsItIs() {
        guest = EmulatedGuest.flat(0);
        guest.flags(Flag.IF | Flag.RF).put(CODE, "f4");
        guest.vcpu().injectInterrupt(0x21);
        guest.run();

        assertThat(guest.vector()).isEqualTo(0x21);
        assertThat(guest.stack(2)).isEqualTo(Flag.FIXED | Flag.IF | Flag.RF);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED);
    }

    @ParameterizedTest
    @CsvSource({"cd80, 128", "cc, 3", "f1, 1"})
    void handlerOfATracedInstructionIsNotTraced(String code, int vector) {
        guest = EmulatedGuest.flat(0);
        guest.flags(Flag.TF).run(code);

        assertThat(guest.vector()).isEqualTo(vector);
        assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK - 12);
        assertThat(guest.stack(2)).isEqualTo(Flag.FIXED | Flag.TF);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED);
    }

    @Test
    void handlerOfAnInterruptInTracedCodeIsNotTraced() {
        guest = EmulatedGuest.flat(0);
        Descriptors.putGate(guest, 1, Descriptors.gate(TRAP_GATE, 8, HANDLER + 1));
        guest.flags(Flag.TF | Flag.IF).put(CODE, "90 f4").put(HANDLER + 0x21, "90 f4");
        guest.vcpu().setInterruptWindow(true);
        guest.vcpu().debug().setSingleStep(true);
        guest.run();
        guest.vcpu().setInterruptWindow(false);
        guest.vcpu().debug().setSingleStep(false);
        guest.vcpu().injectInterrupt(0x21);
        guest.run();

        assertThat(guest.get(Register.RIP)).as("behind the handler's HLT").isEqualTo(HANDLER + 0x23);
    }

    @Test
    void tableOutsideRamIsReadFromTheHost() {
        guest = EmulatedGuest.flat(3);
        guest.change(state -> state.idt(new DescriptorTable(0x20_0000, 0x7ff)));
        VmExit exit = guest.run(UD2);

        assertThat(exit).isInstanceOfSatisfying(VmExit.MemoryRead.class, read -> {
            assertThat(read.address()).isEqualTo(0x20_0000 + 8 * 6);
            read.data().putLong(0, Descriptors.gate(INTERRUPT_GATE, 8, HANDLER + 6));
        });
        assertThat(guest.get(Register.RIP)).isEqualTo(CODE);
        guest.run();
        assertThat(guest.vector()).isEqualTo(6);
        assertThat(guest.stack(0)).isEqualTo(CODE);
        assertThat(guest.stack(3)).isEqualTo(EmulatedGuest.STACK);
    }

    private int word(int aboveStackPointer) {
        return guest.memory().readShort((guest.get(Register.RSP) & 0xffff) + aboveStackPointer) & 0xffff;
    }
}
