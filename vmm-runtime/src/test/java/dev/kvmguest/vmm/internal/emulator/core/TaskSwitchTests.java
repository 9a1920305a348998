package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.Delivery;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hardware task switches; which selectors can be switched to at all is in {@code faults/far.txt} and {@code gates.txt}. */
class TaskSwitchTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int OLD_TSS = 0x1200;
    private static final int OLD_TASK = 0x48;
    private static final int TSS = EmulatedGuest.DATA;
    private static final int TASK = Descriptors.FREE;
    private static final int SPARE = Descriptors.FREE_2;
    private static final int TARGET = 0x5000;
    private static final int TASK_STACK = 0xa000;
    private static final int RING_0_STACK = 0xb000;

    private static final String JUMP = "ea 00 00 00 00 60 00";
    private static final String CALL = "9a 00 00 00 00 60 00";
    private static final String INT_80 = "cd 80";
    private static final String IRET = "cf";
    private static final String HLT = "f4";

    private static final int AVAILABLE = 0x89;
    private static final int BUSY = 0x8b;
    private static final long TS = 8;

    private EmulatedGuest guest;

    @AfterEach
    void close() {
        guest.close();
    }

    /** A guest of ring 0 with a second task of a ring, which halts if that may. */
    private void start(EmulatedGuest with, int ring) {
        guest = with;
        Descriptors.put(guest, TASK, Descriptors.segment16(AVAILABLE, TSS, 0x67));
        set(0x04, RING_0_STACK);
        set(0x08, 0x10);
        set(0x1c, (int) guest.get(Register.CR3));
        set(0x20, TARGET);
        set(0x24, Flag.FIXED | Flag.CF);
        for (int i = 0; i < 8; i++) {
            set(0x28 + 4 * i, 0x1111_1111 * (i + 1));
        }
        set(0x38, TASK_STACK);
        for (int i = 0; i < 4; i++) {
            set(0x48 + 4 * i, i == 1 ? 8 + 16 * ring | ring : 16 + 16 * ring | ring);
        }
        set(0x58, 0);
        set(0x5c, 0);
        set(0x60, 0);
        guest.put(TARGET, HLT);
    }

    private void set(int offset, int value) {
        guest.memory().writeInt(TSS + offset, value);
    }

    private int saved(int tss, int offset) {
        return guest.memory().readInt(tss + offset);
    }

    private int access(int selector) {
        return (int) (Descriptors.get(guest, selector) >> 40) & 0xff;
    }

    private int selector(SegmentRegister register) {
        return guest.vcpu().state().segment(register).selector();
    }

    @Test
    void jumpSavesTheRegistersAndLoadsThoseOfTheTask() {
        start(EmulatedGuest.flat(0), 0);
        guest.set(Register.RAX, 0xaaaa_0001L).set(Register.RDI, 0xaaaa_0008L).flags(Flag.SF);
        guest.run(JUMP);

        assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 1);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x1111_1111);
        assertThat(guest.get(Register.RBX)).isEqualTo(0x4444_4444);
        assertThat(guest.get(Register.RSP)).isEqualTo(TASK_STACK);
        assertThat(guest.get(Register.RDI)).isEqualTo(0x8888_8888L);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED | Flag.CF);
        assertThat(guest.get(Register.CR0) & TS).isEqualTo(TS);
        CpuState state = guest.vcpu().state();
        assertThat(state.segment(SegmentRegister.CS)).isEqualTo(SegmentState.flatCode(8));
        assertThat(state.segment(SegmentRegister.SS)).isEqualTo(SegmentState.flatData(0x10));
        assertThat(state.segment(SegmentRegister.FS).isUnusable()).isTrue();
        assertThat(state.segment(SegmentRegister.LDTR).isUnusable()).isTrue();
        assertThat(state.segment(SegmentRegister.TR)).isEqualTo(new SegmentState(TASK, TSS, 0x67, BUSY));
        assertThat(saved(OLD_TSS, 0x20)).isEqualTo(CODE + 7);
        assertThat(saved(OLD_TSS, 0x24)).isEqualTo(Flag.FIXED | Flag.SF);
        assertThat(saved(OLD_TSS, 0x28)).isEqualTo(0xaaaa_0001);
        assertThat(saved(OLD_TSS, 0x44)).isEqualTo(0xaaaa_0008);
        assertThat(saved(OLD_TSS, 0x4c)).isEqualTo(8);
    }

    @Test
    void jumpMovesTheBusyBitAndLeavesNoWayBack() {
        start(EmulatedGuest.flat(0), 0);
        set(0, 0x7777);
        guest.run(JUMP);

        assertThat(access(OLD_TASK)).isEqualTo(AVAILABLE);
        assertThat(access(TASK)).isEqualTo(BUSY);
        assertThat(saved(TSS, 0)).isEqualTo(0x7777);
    }

    @Test
    void callNestsTheTaskAndItsIretReturns() {
        start(EmulatedGuest.flat(0), 0);
        // pushfd; pop ecx; iret; then jmp to itself when called again
        guest.put(TARGET, "9c 59 cf").run(CALL);

        assertThat(guest.get(Register.RIP)).as("after the call").isEqualTo(CODE + 8);
        assertThat(saved(TSS, 0)).as("link").isEqualTo(OLD_TASK);
        assertThat(saved(TSS, 0x2c)).as("ECX: the flags").isEqualTo(Flag.FIXED | Flag.CF | Flag.NT);
        assertThat(saved(TSS, 0x24)).as("flags saved").isEqualTo(Flag.FIXED | Flag.CF);
        assertThat(saved(TSS, 0x20)).as("where it would go on").isEqualTo(TARGET + 3);
        assertThat(access(OLD_TASK)).isEqualTo(BUSY);
        assertThat(access(TASK)).isEqualTo(AVAILABLE);
        assertThat(selector(SegmentRegister.TR)).isEqualTo(OLD_TASK);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED);
    }

    @Test
    void calledTaskLeavesBothBusy() {
        start(EmulatedGuest.flat(0), 0);
        guest.run(CALL);

        assertThat(access(OLD_TASK)).isEqualTo(BUSY);
        assertThat(access(TASK)).isEqualTo(BUSY);
    }

    @Test
    void sixteenBitTaskHasLowHalvesOnly() {
        start(EmulatedGuest.flat(0), 0);
        Descriptors.put(guest, TASK, Descriptors.segment16(0x81, TSS, 0x2b));
        guest.memory().writeShort(TSS + 0x0e, TARGET);
        guest.memory().writeShort(TSS + 0x10, Flag.FIXED | Flag.ZF);
        guest.memory().writeShort(TSS + 0x12, 0x1234);
        guest.memory().writeShort(TSS + 0x1a, TASK_STACK);
        for (int i = 0; i < 4; i++) {
            guest.memory().writeShort(TSS + 0x22 + 2 * i, i == 1 ? 8 : 0x10);
        }
        guest.memory().writeShort(TSS + 0x2a, 0);
        guest.change(state -> state.segment(SegmentRegister.GS, SegmentState.flatData(0x10)));
        guest.run(JUMP);

        assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 1);
        assertThat(guest.get(Register.RAX)).isEqualTo(0xffff_1234L);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED | Flag.ZF);
        assertThat(guest.vcpu().state().segment(SegmentRegister.GS).isUnusable())
                .isTrue();
    }

    @Test
    void exceptionThroughATaskGatePushesItsErrorCodeOnTheTasksStack() {
        start(EmulatedGuest.flat(3), 0);
        Descriptors.putGate(guest, 13, Descriptors.gate(0x85, TASK, 0));
        guest.set(Register.RAX, 0x1234).run("8e d8"); // mov ds, ax: beyond the GDT

        assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 1);
        assertThat(guest.get(Register.RSP)).isEqualTo(TASK_STACK - 4);
        assertThat(guest.stack(0)).isEqualTo(0x1234);
        assertThat(saved(OLD_TSS, 0x20)).isEqualTo(CODE);
        assertThat(saved(OLD_TSS, 0x24) & Flag.RF).isEqualTo(Flag.RF);
        assertThat(saved(OLD_TSS, 0x4c)).isEqualTo(0x3b);
        assertThat(guest.get(Register.RFLAGS) & Flag.NT).isEqualTo(Flag.NT);
    }

    @Test
    void interruptReturnsFromItsTaskToRing3() {
        start(EmulatedGuest.flat(3), 0);
        Descriptors.putGate(guest, 0x80, Descriptors.gate(0xe5, TASK, 0));
        guest.put(TARGET, IRET).run(INT_80 + "cd 99");

        assertThat(guest.vector()).isEqualTo(0x99);
        assertThat(guest.stack(0)).isEqualTo(CODE + 4);
        assertThat(guest.stack(1)).isEqualTo(0x3b);
        assertThat(guest.stack(3)).isEqualTo(EmulatedGuest.STACK);
    }

    @Test
    void doubleFaultTaskHasAStackWhereTheGuestHasNone() {
        start(EmulatedGuest.paged(0), 0);
        Descriptors.putGate(guest, 8, Descriptors.gate(0x85, TASK, 0));
        guest.page(0x7000, 0).set(Register.RSP, 0x7800).run("50");

        assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 1);
        assertThat(guest.stack(0)).as("the error code of a double fault").isZero();
        assertThat(saved(OLD_TSS, 0x20)).isEqualTo(CODE);
        assertThat(saved(OLD_TSS, 0x38)).isEqualTo(0x7800);
    }

    @Test
    void taskHasPageTablesOfItsOwn() {
        start(EmulatedGuest.paged(0), 0);
        // A directory at 0x20000 with a table that maps the task's code to the page above it.
        guest.memory().writeInt(0x2_0000, 0x2_1000 | 7);
        for (int page = 0; page < 256; page++) {
            guest.memory().writeInt(0x2_1000 + 4 * page, page << 12 | 7);
        }
        guest.memory().writeInt(0x2_1000 + 4 * (TARGET >> 12), TARGET + 0x1000 | 7);
        set(0x1c, 0x2_0000);
        guest.put(TARGET + 0x1000, "90 90 f4").run(JUMP);

        assertThat(guest.get(Register.CR3)).isEqualTo(0x2_0000);
        assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 3);
    }

    @ParameterizedTest(name = "{0} at 0x{1} raises {2} with {3}")
    @CsvSource({
        "0x1237, 4c, 10, 0x1234", // CS beyond the GDT
        "0x43, 4c, 10, 0x40", // CS is data
        "0x0b, 4c, 10, 0x08", // CS's DPL is not its RPL
        "0x03, 50, 10, 0", // SS is null
        "0x13, 50, 10, 0x10", // SS's DPL is not the level
        "0x3b, 50, 10, 0x38", // SS is code
        "0x6b, 50, 12, 0x68", // SS is not present
        "0x13, 54, 10, 0x10", // DS's DPL is below the level
        "0x6b, 54, 11, 0x68", // DS is not present
        "0x4b, 48, 10, 0x48", // ES is a TSS
        "0x38, 60, 10, 0x38", // the LDT is code
        "0x14, 60, 10, 0x14", // the LDT's selector is one into the LDT
    })
    void selectorThatCanNotBeLoadedIsTheNewTasksException(String selector, String offset, int vector, String error) {
        start(EmulatedGuest.flat(0), 3);
        Descriptors.put(guest, SPARE, Descriptors.flat(0x73));
        set(Integer.parseInt(offset, 16), Integer.decode(selector));
        guest.run(JUMP);

        assertThat(guest.vector()).isEqualTo(vector);
        assertThat(guest.stack(0)).isEqualTo((long) Integer.decode(error));
        assertThat(guest.stack(1)).as("EIP").isEqualTo(TARGET);
        assertThat(guest.get(Register.RSP)).isEqualTo(RING_0_STACK - 24);
        assertThat(selector(SegmentRegister.TR)).isEqualTo(TASK);
        assertThat(access(OLD_TASK)).isEqualTo(AVAILABLE);
    }

    @Test
    void exceptionOfATaskThatHandlesOneMakesADoubleFault() {
        start(EmulatedGuest.flat(3), 3);
        set(0x54, 0x1234);
        Descriptors.putGate(guest, 13, Descriptors.gate(0x85, TASK, 0));
        guest.run(HLT);

        assertThat(guest.vector()).isEqualTo(8);
        assertThat(guest.stack(1)).isEqualTo(TARGET);
    }

    @Test
    void tripleFaultByATaskThatCanNotBeginLeavesWhatTheFirstExceptionFound() {
        start(EmulatedGuest.flat(0), 0);
        set(0x50, 0x1234);
        Descriptors.putGate(guest, 6, Descriptors.gate(0x85, TASK, 0));
        guest.set(Register.RAX, 0xaaaa).run("0f 0b");

        Fault fault = guest.vcpu().observer().orElseThrow().fault().orElseThrow();
        assertThat(fault.at().text()).isEqualTo("ud2");
        assertThat(fault.chain().get(0).vector()).isEqualTo(6);
        assertThat(fault.chain().get(1).vector()).isEqualTo(10);
        assertThat(fault.registers().get(Register.RAX)).isEqualTo(0xaaaa);
        assertThat(fault.registers().segment(SegmentRegister.TR).selector()).isEqualTo(OLD_TASK);
        assertThat(guest.get(Register.RIP)).isEqualTo(CODE);
    }

    @Test
    void handlersTaskIsOpenUntilItReturns() {
        start(EmulatedGuest.flat(0), 0);
        Descriptors.putGate(guest, 6, Descriptors.gate(0x85, TASK, 0));
        // In the task: hlt; add dword [the old task's EIP], 2; iret
        guest.put(TARGET, "f4 83 05 20 12 00 00 02 cf").run("0f 0b");
        assertThat(open()).hasSize(1);
        assertThat(open().get(0).event().vector()).isEqualTo(6);
        assertThat(open().get(0).handler()).isEqualTo(TARGET);
        assertThat(open().get(0).frame()).isEqualTo(Delivery.NO_FRAME);

        guest.run();
        assertThat(guest.get(Register.RIP)).isEqualTo(CODE + 3);
        assertThat(open()).isEmpty();
    }

    private List<Delivery> open() {
        return guest.vcpu().observer().orElseThrow().handlers().open();
    }

    @Test
    void eipBeyondItsCodeSegmentIsGeneralProtectionInTheTask() {
        start(EmulatedGuest.flat(0), 3);
        Descriptors.put(guest, SPARE, Descriptors.segment(0xfb, 0, 0xfff));
        set(0x4c, SPARE | 3);
        guest.run(JUMP);

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(0)).isZero();
        assertThat(guest.stack(1)).isEqualTo(TARGET);
    }

    @ParameterizedTest(name = "new TSS of limit 0x{0}, access 0x{1}")
    @CsvSource({"66, 89", "2a, 81"})
    void tooShortATaskIsTheOldTasksException(String limit, String access) {
        start(EmulatedGuest.flat(0), 0);
        Descriptors.put(
                guest, TASK, Descriptors.segment16(Integer.parseInt(access, 16), TSS, Integer.parseInt(limit, 16)));
        guest.run(JUMP);

        assertThat(guest.vector()).isEqualTo(10);
        assertThat(guest.stack(0)).isEqualTo(TASK);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(selector(SegmentRegister.TR)).isEqualTo(OLD_TASK);
        assertThat(access(OLD_TASK)).isEqualTo(BUSY);
    }

    @Test
    void pageOfTheOldTssThatCanNotBeWrittenIsFoundBeforeAnythingChanges() {
        start(EmulatedGuest.paged(0), 0);
        guest.change(state -> state.segment(SegmentRegister.TR, new SegmentState(OLD_TASK, 0xefc0, 0x67, BUSY)));
        guest.page(0xf000, 0).run(JUMP);

        assertThat(guest.vector()).isEqualTo(14);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(access(TASK)).isEqualTo(AVAILABLE);
        assertThat(guest.memory().readInt(0xefe0)).isZero();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({JUMP, CALL})
    void tableThatCanNotBeWrittenIsFoundBeforeAnythingChanges(String code) {
        start(EmulatedGuest.paged(0), 0);
        guest.page(0, 5).change(state -> state.set(Register.CR0, state.build().get(Register.CR0) | 0x1_0000));
        guest.run(code);

        assertThat(guest.vector()).isEqualTo(14);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(saved(OLD_TSS, 0x20)).isZero();
    }

    @Test
    void tasksDescriptorMustBeInTheGdt() {
        start(EmulatedGuest.flat(0), 0);
        Descriptors.local(guest, 0xd000, 0xf);
        guest.memory().writeLong(0xd008, Descriptors.segment16(AVAILABLE, TSS, 0x67));
        guest.run("ea 00 00 00 00 0c 00");

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(0)).isEqualTo(0xc);
    }

    @Test
    void taskOfAnExceptionIsTracedFromItsFirstInstruction() {
        start(EmulatedGuest.flat(0), 0);
        Descriptors.putGate(guest, 6, Descriptors.gate(0x85, TASK, 0));
        set(0x24, Flag.FIXED | Flag.TF);
        guest.put(TARGET, "90 90 f4").run("0f 0b");

        assertThat(guest.vector()).isEqualTo(1);
        assertThat(guest.stack(0)).isEqualTo(TARGET + 1);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({JUMP, INT_80})
    void taskWithTheTrapBitBeginsWithADebugException(String code) {
        start(EmulatedGuest.flat(0), 0);
        Descriptors.putGate(guest, 0x80, Descriptors.gate(0x85, TASK, 0));
        set(0x64, 0x0068_0001);
        guest.run(code);

        assertThat(guest.vector()).isEqualTo(1);
        assertThat(guest.stack(0)).isEqualTo(TARGET);
        assertThat(guest.vcpu().save().debugRegisters().dr6() & 0xe000).isEqualTo(0x8000);
    }

    @Test
    void taskOfAnExceptionWithTheTrapBitBeginsWithADebugException() {
        start(EmulatedGuest.flat(0), 0);
        Descriptors.putGate(guest, 6, Descriptors.gate(0x85, TASK, 0));
        set(0x64, 0x0068_0001);
        guest.run("0f 0b");

        assertThat(guest.vector()).isEqualTo(1);
        assertThat(guest.stack(0)).isEqualTo(TARGET);
    }

    @Test
    void localBreakpointsEndWithTheTask() {
        start(EmulatedGuest.flat(0), 0);
        // mov eax, 0x303; mov dr7, eax: local and global ones
        guest.run("b8 03 03 00 00 0f 23 f8" + JUMP);

        assertThat(guest.vcpu().save().debugRegisters().dr7()).isEqualTo(0x602);
    }

    @Test
    void traceOfTheOldTaskDoesNotGoOnInTheNewOne() {
        start(EmulatedGuest.flat(0), 0);
        guest.flags(Flag.TF);
        guest.put(CODE, JUMP);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 1);
        assertThat(saved(OLD_TSS, 0x24) & Flag.TF).isEqualTo(Flag.TF);
    }

    @Test
    void taskCanBeOneOfVirtual8086Mode() {
        start(EmulatedGuest.flat(0), 0);
        set(0x20, 4);
        set(0x24, Flag.FIXED | Flag.VM | Flag.IOPL);
        set(0x38, 0x100);
        for (int i = 0; i < 6; i++) {
            set(0x48 + 4 * i, 0x500 + i);
        }
        // At 0501:0004: int 0x99
        guest.put(0x5014, "cd 99").run(JUMP);

        assertThat(guest.vector()).isEqualTo(0x99);
        assertThat(guest.stack(0)).isEqualTo(6);
        assertThat(guest.stack(1)).isEqualTo(0x501);
        assertThat(guest.stack(2) & Flag.VM).isEqualTo(Flag.VM);
        assertThat(guest.stack(4)).isEqualTo(0x502);
        assertThat(guest.stack(6)).isEqualTo(0x503);
    }
}
