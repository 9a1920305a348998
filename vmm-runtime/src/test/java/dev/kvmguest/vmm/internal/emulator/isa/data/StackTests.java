package dev.kvmguest.vmm.internal.emulator.isa.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StackTests {

    private static final int STACK = EmulatedGuest.STACK;
    private static final int SS = 12;
    private static final int GP = 13;
    private static final int PF = 14;
    private static final int SMALL_STACK = 0x0093;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    private void use(EmulatedGuest other) {
        guest.close();
        guest = other;
    }

    private void useSmallStack() {
        guest.change(state -> state.segment(SegmentRegister.SS, new SegmentState(0x10, 0, 0xffff, SMALL_STACK)));
    }

    /** Returns ESP when the fault without privilege change was raised, with an error code. */
    private long espAtFault() {
        return guest.get(Register.RSP) + 16;
    }

    @ParameterizedTest
    @CsvSource({
        "50, 4, 12345678",
        "6650, 2, 5678ffff",
        "6a80, 4, ffffff80",
        "666a80, 2, ff80ffff",
        "6878563412, 4, 12345678",
        "66683412, 2, 1234ffff",
        "ff3500900000, 4, 44332211",
        "66ff3500900000, 2, 2211ffff",
        "54, 4, 00008000",
        "6654, 2, 8000ffff",
        "ff3424, 4, 55555555"
    })
    void pushes(String code, int bytes, String stack) {
        guest.memory().writeInt(STACK - 4, -1);
        guest.memory().writeInt(STACK, 0x55555555);
        guest.memory().writeInt(EmulatedGuest.DATA, 0x44332211);

        guest.set(Register.RAX, 0x12345678).run(code);

        assertThat(guest.get(Register.RSP)).isEqualTo(STACK - bytes);
        assertThat(guest.memory().readInt(STACK - 4)).isEqualTo((int) Long.parseLong(stack, 16));
    }

    @ParameterizedTest
    @CsvSource({"1e, 4, aaaa0010", "661e, 2, 0010aaaa", "0fa0, 4, aaaa0010", "0e, 4, aaaa0008"})
    void pushesTwoBytesOfASelectorWhateverTheOperandSize(String code, int bytes, String stack) {
        guest.memory().writeInt(STACK - 4, 0xaaaa_aaaa);

        guest.run(code);

        assertThat(guest.get(Register.RSP)).isEqualTo(STACK - bytes);
        assertThat(guest.memory().readInt(STACK - 4)).isEqualTo((int) Long.parseLong(stack, 16));
    }

    @Test
    void pops() {
        guest.memory().writeLong(STACK, 0x8877_6655_4433_2211L);

        guest.set(Register.RBX, 0xaaaa_aaaaL).run("58 665b");

        assertThat(guest.get(Register.RAX)).isEqualTo(0x4433_2211);
        assertThat(guest.get(Register.RBX)).isEqualTo(0xaaaa_6655L);
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 6);
    }

    @Test
    void poppingEspLeavesWhatWasPopped() {
        guest.memory().writeInt(STACK, 0x12345678);

        guest.run("5c");

        assertThat(guest.get(Register.RSP)).isEqualTo(0x12345678);
    }

    @Test
    void poppingSpReplacesTheLowerHalfOfTheIncrementedPointer() {
        guest.set(Register.RSP, 0xfffe);
        guest.memory().writeShort(0xfffe, 0x1234);

        guest.run("665c");

        assertThat(guest.get(Register.RSP)).isEqualTo(0x11234);
    }

    @Test
    void memoryByEspIsAddressedAfterThePop() {
        guest.memory().writeInt(STACK, 0x12345678);

        guest.run("8f442408");

        assertThat(guest.memory().readInt(STACK + 12)).isEqualTo(0x12345678);
    }

    @Test
    void popToMemoryThatCannotBeWrittenLeavesEsp() {
        use(EmulatedGuest.paged(0));
        guest.page(EmulatedGuest.DATA, 0);

        guest.run("8f0500900000");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(espAtFault()).isEqualTo(STACK);
    }

    @ParameterizedTest
    @CsvSource({"0fa1, 4", "660fa1, 2"})
    void popsASelector(String code, int bytes) {
        guest.memory().writeInt(STACK, 0xaaaa_0020);

        guest.run(code);

        assertThat(guest.vcpu().state().segment(SegmentRegister.FS).selector()).isEqualTo(0x20);
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK + bytes);
    }

    @Test
    void poppedSelectorThatCannotBeLoadedLeavesEsp() {
        guest.memory().writeInt(STACK, 0x60);

        guest.run("1f");

        assertThat(guest.vector()).isEqualTo(GP);
        assertThat(guest.stack(0)).isEqualTo(0x60);
        assertThat(espAtFault()).isEqualTo(STACK);
    }

    @Test
    void trapWaitsAfterPopSs() {
        guest.memory().writeInt(STACK, 0x10);

        guest.flags(0x100).run("17 43 43");

        assertThat(guest.vector()).isEqualTo(1);
        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 2);
    }

    @Test
    void trapDoesNotWaitAfterPopOfAnotherSegment() {
        guest.memory().writeInt(STACK, 0x10);

        guest.flags(0x100).run("1f 43 43");

        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 1);
    }

    @Test
    void sixteenBitStackPointerWrapsAndLeavesTheUpperHalf() {
        useSmallStack();
        guest.set(Register.RSP, 0xaaaa_0002L).set(Register.RAX, 0x11112222);

        guest.put(EmulatedGuest.CODE, "6650 6650 665b 6659 f4").step();
        assertThat(guest.get(Register.RSP)).isEqualTo(0xaaaa_0000L);
        guest.step();
        assertThat(guest.get(Register.RSP)).isEqualTo(0xaaaa_fffeL);
        assertThat(guest.memory().readShort(0xfffe)).isEqualTo(0x2222);
        guest.step();
        guest.step();

        assertThat(guest.get(Register.RSP)).isEqualTo(0xaaaa_0002L);
        assertThat(guest.get(Register.RCX)).isEqualTo(0x2222);
    }

    @Test
    void pushOfFourBytesThatWouldWrapInTheMiddleIsAStackFault() {
        useSmallStack();

        guest.set(Register.RSP, 2).put(EmulatedGuest.CODE, "50").run();

        // The handler's frame doesn't fit in there either.
        assertThat(guest.vcpu().run()).isInstanceOf(VmExit.Shutdown.class);
        assertThat(guest.get(Register.RSP)).isEqualTo(2);
    }

    @Test
    void pushBelowAnExpandUpLimitIsAStackFault() {
        guest.change(state -> state.segment(SegmentRegister.SS, new SegmentState(0x10, 0, 0x8fff, 0x4093)));

        guest.set(Register.RSP, 0x9004).put(EmulatedGuest.CODE, "50").run();

        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(guest.vcpu().run()).isInstanceOf(VmExit.Shutdown.class);
    }

    @Test
    void pushToAPageThatCannotBeWrittenLeavesEsp() {
        use(EmulatedGuest.paged(3));
        guest.page(STACK - 0x1000, STACK - 0x1000 | 5);

        guest.run("50");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.stack(4)).isEqualTo(STACK);
    }

    @Test
    void pushWithSpOneInRealModeShutsDown() {
        use(EmulatedGuest.real());

        guest.set(Register.RSP, 1);

        assertThat(guest.run("50")).isInstanceOf(VmExit.Shutdown.class);
    }

    @Test
    void pushesAllWithTheOldEsp() {
        long[] values = setAll();

        guest.run("60");

        assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 32);
        for (int i = 0; i < 8; i++) {
            assertThat(guest.stack(7 - i)).isEqualTo(values[i]);
        }
    }

    @Test
    void pushesAllAsTwoBytes() {
        long[] values = setAll();

        guest.run("6660");

        assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 16);
        for (int i = 0; i < 8; i++) {
            assertThat(guest.memory().readShort(STACK - 2 - 2 * i) & 0xffff).isEqualTo((int) values[i] & 0xffff);
        }
    }

    private long[] setAll() {
        Register[] order = {
            Register.RAX,
            Register.RCX,
            Register.RDX,
            Register.RBX,
            Register.RSP,
            Register.RBP,
            Register.RSI,
            Register.RDI
        };
        long[] values = new long[8];
        for (int i = 0; i < 8; i++) {
            values[i] = order[i] == Register.RSP ? STACK : 0x1111_2222L * (i + 1);
            guest.set(order[i], values[i]);
        }
        return values;
    }

    @Test
    void popsAllButEsp() {
        for (int i = 0; i < 8; i++) {
            guest.memory().writeInt(STACK + 4 * i, 0x0101_0101 * i);
        }

        guest.run("61");

        assertThat(guest.get(Register.RDI)).isZero();
        assertThat(guest.get(Register.RSI)).isEqualTo(0x0101_0101);
        assertThat(guest.get(Register.RBP)).isEqualTo(0x0202_0202);
        assertThat(guest.get(Register.RBX)).isEqualTo(0x0404_0404);
        assertThat(guest.get(Register.RDX)).isEqualTo(0x0505_0505);
        assertThat(guest.get(Register.RCX)).isEqualTo(0x0606_0606);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x0707_0707);
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 32);
    }

    @Test
    void popaReplacesTheLowerHalves() {
        guest.memory().writeShort(STACK + 14, 0x1234);

        guest.set(Register.RAX, 0xaaaa_aaaaL).run("6661");

        assertThat(guest.get(Register.RAX)).isEqualTo(0xaaaa_1234L);
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 16);
    }

    @Test
    void pushaThatFaultsHalfwayWritesNothing() {
        use(EmulatedGuest.paged(3));
        guest.page(STACK - 0x1000, 0);
        guest.set(Register.RSP, STACK + 8).set(Register.RAX, 0x1234);

        guest.run("60");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.vcpu().state().get(Register.CR2)).isEqualTo(STACK - 4);
        assertThat(guest.stack(4)).isEqualTo(STACK + 8);
        assertThat(guest.memory().readInt(STACK + 4)).isZero();
    }

    @Test
    void popaThatFaultsHalfwayLoadsNothing() {
        use(EmulatedGuest.paged(3));
        guest.page(STACK, 0);
        guest.set(Register.RSP, STACK - 8).set(Register.RDI, 0x1234);

        guest.run("61");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.vcpu().state().get(Register.CR2)).isEqualTo(STACK);
        assertThat(guest.stack(4)).isEqualTo(STACK - 8);
        assertThat(guest.get(Register.RDI)).isEqualTo(0x1234);
    }

    @ParameterizedTest
    @ValueSource(ints = {7, 9, 11, 13, 15})
    void pushaNearTheEndOfARealModeStackIsAGeneralProtectionFault(int sp) {
        use(EmulatedGuest.real());

        guest.set(Register.RSP, sp).put(EmulatedGuest.CODE, "60").run();

        assertThat(guest.vector()).isEqualTo(GP);
        assertThat(guest.get(Register.RSP)).isEqualTo(sp - 6);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5})
    void pushaAtTheVeryEndOfARealModeStackShutsDown(int sp) {
        use(EmulatedGuest.real());

        guest.set(Register.RSP, sp);

        assertThat(guest.run("60")).isInstanceOf(VmExit.Shutdown.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 8, 14, 17})
    void pushaWrapsAtOtherStackPointers(int sp) {
        use(EmulatedGuest.real());

        guest.set(Register.RSP, sp).run("60");

        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(guest.get(Register.RSP)).isEqualTo(sp - 16 & 0xffff);
    }

    @Test
    void enterMakesAFrame() {
        guest.set(Register.RBP, 0x1234).run("c8 1000 00");

        assertThat(guest.get(Register.RBP)).isEqualTo(STACK - 4);
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 4 - 16);
        assertThat(guest.memory().readInt(STACK - 4)).isEqualTo(0x1234);
    }

    @Test
    void nestedEnterCopiesTheOuterFramePointers() {
        guest.memory().writeInt(EmulatedGuest.DATA - 4, 0x11);
        guest.memory().writeInt(EmulatedGuest.DATA - 8, 0x22);

        guest.set(Register.RBP, EmulatedGuest.DATA).run("c8 0800 23"); // level 35 means 3

        assertThat(guest.memory().readInt(STACK - 4)).isEqualTo(EmulatedGuest.DATA);
        assertThat(guest.memory().readInt(STACK - 8)).isEqualTo(0x11);
        assertThat(guest.memory().readInt(STACK - 12)).isEqualTo(0x22);
        assertThat(guest.memory().readInt(STACK - 16)).isEqualTo(STACK - 4);
        assertThat(guest.get(Register.RBP)).isEqualTo(STACK - 4);
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 16 - 8);
    }

    @Test
    void nestedEnterOfTwoBytesOnASixteenBitStack() {
        useSmallStack();
        guest.memory().writeShort(EmulatedGuest.DATA - 2, 0x11);
        guest.set(Register.RSP, 0xbbbb_8000L).set(Register.RBP, 0xaaaa_0000L | EmulatedGuest.DATA);

        guest.put(EmulatedGuest.CODE, "66c8 0400 02").step();

        assertThat(guest.memory().readShort(STACK - 2) & 0xffff).isEqualTo(EmulatedGuest.DATA);
        assertThat(guest.memory().readShort(STACK - 4)).isEqualTo(0x11);
        assertThat(guest.memory().readShort(STACK - 6)).isEqualTo(STACK - 2);
        assertThat(guest.get(Register.RBP)).isEqualTo(0xaaaa_0000L | STACK - 2);
        assertThat(guest.get(Register.RSP)).isEqualTo(0xbbbb_0000L | STACK - 6 - 4);
    }

    @Test
    void enterWhoseFrameEndsWhereNothingCanBeWrittenIsAFaultAndChangesNothing() {
        use(EmulatedGuest.paged(3));
        guest.page(STACK - 0x2000, STACK - 0x2000 | 5);

        guest.set(Register.RBP, 0x1234).run("c8 0018 00");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.vcpu().state().get(Register.CR2)).isEqualTo(STACK - 4 - 0x1800);
        assertThat(guest.stack(4)).isEqualTo(STACK);
        assertThat(guest.get(Register.RBP)).isEqualTo(0x1234);
        assertThat(guest.memory().readInt(STACK - 4)).isZero();
    }

    @ParameterizedTest(name = "{0} on a stack of 64 KiB with SP 8: vector {1}")
    @CsvSource({
        "66c8 0800 00, -1", // enter 8, 0 of 2 bytes: SP becomes fffe
        "66c8 0700 00, 12", // ffff
        "c8 0800 00, -1", // of 4 bytes: fffc
        "c8 0700 00, 12", // fffd
    })
    void enterNeedsRoomForAPushAtItsFinalStackPointer(String code, int vector) {
        useSmallStack();
        guest.set(Register.RSP, 8).set(Register.RBP, 0x100).run(code);

        assertThat(guest.vector()).isEqualTo(vector);
    }

    @Test
    void leaveDropsTheFrame() {
        guest.memory().writeInt(EmulatedGuest.DATA, 0x12345678);

        guest.set(Register.RBP, EmulatedGuest.DATA).run("c9");

        assertThat(guest.get(Register.RBP)).isEqualTo(0x12345678);
        assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.DATA + 4);
    }

    @Test
    void leaveOnASixteenBitStackTakesBp() {
        useSmallStack();
        guest.memory().writeShort(EmulatedGuest.DATA, 0x1234);
        guest.set(Register.RSP, 0xbbbb_8000L).set(Register.RBP, 0xaaaa_0000L | EmulatedGuest.DATA);

        guest.put(EmulatedGuest.CODE, "66c9").step();

        assertThat(guest.get(Register.RBP)).isEqualTo(0xaaaa_1234L);
        assertThat(guest.get(Register.RSP)).isEqualTo(0xbbbb_0000L | EmulatedGuest.DATA + 2);
    }

    @Test
    void leaveWithAFrameOutsideTheStackLeavesEspAndEbp() {
        guest.change(state -> state.segment(SegmentRegister.SS, new SegmentState(0x10, 0, 0x8fff, 0x4093)));

        guest.set(Register.RBP, 0x8ffe).run("c9");

        assertThat(guest.vector()).isEqualTo(SS);
        assertThat(guest.stack(0)).isZero();
        assertThat(espAtFault()).isEqualTo(STACK);
        assertThat(guest.get(Register.RBP)).isEqualTo(0x8ffe);
    }
}
