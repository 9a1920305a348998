package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.HostAccess.Restart;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;

/**
 * Hardware task switches (Intel SDM volume 3A, 7.3). What goes wrong before registers are loaded is the old task's
 * exception and is thrown; what goes wrong later is the new one's and is returned.
 */
public final class TaskSwitch {

    /** What switches tasks. */
    public enum Cause {
        JUMP(false),
        CALL(true),
        /** An exception or an interrupt through a task gate. */
        EVENT(true),
        /** IRET with EFLAGS.NT set. */
        RETURN(false);

        /** Whether the old task stays busy, and the new one returns to it. */
        private final boolean nests;

        Cause(boolean nests) {
            this.nests = nests;
        }
    }

    private static final int[] DATA = {Cpu.DS, Cpu.ES, Cpu.FS, Cpu.GS};

    private final Cpu cpu;
    private final Cause cause;
    private final int ext;

    private TaskSwitch(Cpu cpu, Cause cause, int ext) {
        this.cpu = cpu;
        this.cause = cause;
        this.ext = ext;
    }

    /**
     * Switches to the task that a far jump or call leads to.
     *
     * @param target its TSS, or a task gate, whose privilege has been checked
     * @param eip where the old task will go on
     * @return what the new task raises before its first instruction
     */
    public static Optional<CpuFault> transfer(Cpu cpu, Cause cause, int selector, SegmentDescriptor target, long eip) {
        TaskSwitch task = new TaskSwitch(cpu, cause, 0);
        if (target.isTaskGate()) {
            return task.throughGate(target, eip, cpu.eflags.get());
        }
        if (Selector.isLocal(selector)) {
            throw CpuFault.selector(Vector.GP, selector).because("the task's descriptor is not in the GDT");
        }
        if (!target.isAvailableTss()) {
            throw CpuFault.selector(Vector.GP, selector).because("the task is busy");
        }
        task.requirePresent(selector, target);
        return task.to(selector, target, eip, cpu.eflags.get());
    }

    /**
     * Switches to the task that handles an exception or an interrupt.
     *
     * @param gate a task gate that has been checked
     * @param eip where the old task will go on
     * @param eflags the old task's flags
     * @param ext {@link Selector#EXTERNAL} or 0, for error codes
     * @return what the new task raises before its first instruction
     */
    static Optional<CpuFault> handle(Cpu cpu, SegmentDescriptor gate, long eip, int eflags, int ext) {
        return new TaskSwitch(cpu, Cause.EVENT, ext).throughGate(gate, eip, eflags);
    }

    /**
     * Returns to the task that the current one was called by.
     *
     * @param eip where the old task will go on, if it is called again
     * @return what the new task raises before its first instruction
     */
    public static Optional<CpuFault> back(Cpu cpu, long eip) {
        int selector = (int) cpu.memory.readSystem(cpu.tr.base(), 2);
        SegmentDescriptor task = find(cpu, selector);
        if (task == null || !task.isTss() || task.isAvailableTss()) {
            throw CpuFault.selector(Vector.TS, selector, 0).because("the previous task link is not that of a busy TSS");
        }
        TaskSwitch back = new TaskSwitch(cpu, Cause.RETURN, 0);
        back.requirePresent(selector, task);
        return back.to(selector, task, eip, cpu.eflags.get() & ~Flag.NT);
    }

    private Optional<CpuFault> throughGate(SegmentDescriptor gate, long eip, int eflags) {
        int selector = gate.gateSelector();
        SegmentDescriptor task = find(cpu, selector);
        if (task == null || !task.isAvailableTss()) {
            throw CpuFault.selector(Vector.GP, selector, ext)
                    .because("the task gate leads to no TSS, or to a busy one");
        }
        requirePresent(selector, task);
        return to(selector, task, eip, eflags);
    }

    private static SegmentDescriptor find(Cpu cpu, int selector) {
        return Selector.isLocal(selector) ? null : cpu.segmentation.find(selector);
    }

    private void requirePresent(int selector, SegmentDescriptor task) {
        if (!task.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector, ext).because("the task's descriptor is not present");
        }
    }

    private Optional<CpuFault> to(int selector, SegmentDescriptor task, long eip, int eflags) {
        requireRoom(selector, task.isWide(), task.limit(), "the task's TSS");
        requireRoom(selector, TaskState.isWide(cpu), cpu.tr.limit(), "the current TSS");
        TaskState state = TaskState.read(cpu, task.base(), task.isWide());
        TaskState.checkSave(cpu);
        int previous = cpu.tr.selector();
        boolean marksPrevious = !cause.nests && !Selector.isNull(previous);
        if (cause.nests) {
            cpu.memory.checkWritableLinear(task.base(), false);
        }
        if (marksPrevious) {
            cpu.segmentation.checkWritable(previous);
        }
        if (cause != Cause.RETURN) {
            cpu.segmentation.checkWritable(selector);
        }

        if (marksPrevious) {
            cpu.segmentation.markAvailable(previous);
        }
        TaskState.save(cpu, eip, eflags);
        if (cause.nests) {
            cpu.memory.writeSystem(task.base(), 2, previous);
        }
        if (cause != Cause.RETURN) {
            cpu.segmentation.markBusy(selector, task);
        }
        cpu.segmentation.loadTask(selector, task);
        cpu.setCr0(cpu.cr0() | Cr0.TS);
        cpu.debug.leaveTask();
        try {
            load(state, task.isWide());
        } catch (CpuFault fault) {
            return Optional.of(fault);
        } catch (Restart e) {
            throw new UnsupportedInstruction("a task whose descriptors are not in RAM");
        }
        if (state.traps()) {
            cpu.debug.taskEntered();
        }
        return Optional.empty();
    }

    private void requireRoom(int selector, boolean wide, long limit, String what) {
        if (limit < (wide ? TaskState.LOWEST_LIMIT_32 : TaskState.LOWEST_LIMIT_16)) {
            throw CpuFault.selector(Vector.TS, selector, ext).because(what + " is too short");
        }
    }

    /** Loads the registers, and then what their selectors lead to, in this order: LDTR, CS, SS, the others. */
    private void load(TaskState state, boolean wide) {
        boolean badPointers = false;
        if (wide && cpu.isPaging()) {
            badPointers = (cpu.cr4() & Cr4.PAE) != 0 && !cpu.memory.loadPageDirectoryPointers(state.cr3());
            cpu.setCr3(state.cr3());
        }
        cpu.eip = state.eip();
        System.arraycopy(state.general(), 0, cpu.registers.gpr, 0, state.general().length);
        cpu.eflags.set(state.eflags() | (cause.nests ? Flag.NT : 0));
        cpu.controlFlagsChanged();
        if (cause != Cause.EVENT) {
            cpu.cancelTrap();
        }
        int[] selectors = state.selectors();
        if (cpu.eflags.has(Flag.VM)) {
            Virtual8086.enter(cpu, selectors);
        } else {
            for (int number = 0; number < selectors.length; number++) {
                cpu.loadSegment(number, notLoaded(selectors[number]));
            }
            cpu.setCpl(Selector.rpl(selectors[Cpu.CS]));
        }
        cpu.ldtr.load(notLoaded(state.local()), cpu.mode());
        if (badPointers) {
            throw CpuFault.generalProtection().because("the task's page-directory pointers have reserved bits set");
        }
        loadLocalTable(state.local());
        if (!cpu.isVirtual8086()) {
            loadCode(selectors[Cpu.CS]);
            loadStack(selectors[Cpu.SS]);
            for (int number : DATA) {
                loadData(number, selectors[number]);
            }
        }
        if (cpu.eip > cpu.codeLimit()) {
            throw CpuFault.generalProtection().because("the task's EIP is beyond the limit of its code segment");
        }
    }

    private static SegmentState notLoaded(int selector) {
        return new SegmentState(selector, 0, 0, SegmentState.UNUSABLE);
    }

    private void loadLocalTable(int selector) {
        if (Selector.isNull(selector)) {
            return;
        }
        SegmentDescriptor table = find(cpu, selector);
        if (table == null || !table.isSystem(SegmentDescriptor.LDT) || !table.isPresent()) {
            throw refuse(Vector.TS, selector, "the task's LDT is no present LDT");
        }
        cpu.ldtr.load(table.loadedSystem(selector), cpu.mode());
    }

    private void loadCode(int selector) {
        SegmentDescriptor code = descriptor(selector, "CS");
        int level = Selector.rpl(selector);
        if (!code.isCode()) {
            throw refuse(Vector.TS, selector, "the task's CS is no code");
        }
        if (code.isConforming() ? code.dpl() > level : code.dpl() != level) {
            throw refuse(Vector.TS, selector, "the DPL of the task's CS doesn't go with its RPL");
        }
        if (!code.isPresent()) {
            throw refuse(Vector.NP, selector, "the task's CS is not present");
        }
        cpu.segmentation.markAccessed(selector, code);
        cpu.segmentation.loadCode(selector, code, level);
    }

    private void loadStack(int selector) {
        if (Selector.isNull(selector)) {
            throw refuse(Vector.TS, selector, "the task's SS is null");
        }
        SegmentDescriptor stack = cpu.segmentation.checkedStack(selector, cpu.cpl(), Vector.TS, ext);
        cpu.segmentation.markAccessed(selector, stack);
        cpu.loadSegment(Cpu.SS, stack.loaded(selector));
    }

    private void loadData(int number, int selector) {
        if (Selector.isNull(selector)) {
            return;
        }
        SegmentDescriptor data = descriptor(selector, "data segment");
        if (!data.isReadable()) {
            throw refuse(Vector.TS, selector, "a data segment of the task can't be read");
        }
        if (!data.isConforming() && cpu.segmentation.isAbove(selector, data)) {
            throw refuse(Vector.TS, selector, "the DPL of a data segment of the task is below CPL or RPL");
        }
        if (!data.isPresent()) {
            throw refuse(Vector.NP, selector, "a data segment of the task is not present");
        }
        cpu.segmentation.markAccessed(selector, data);
        cpu.loadSegment(number, data.loaded(selector));
    }

    private SegmentDescriptor descriptor(int selector, String what) {
        SegmentDescriptor descriptor = Selector.isNull(selector) ? null : cpu.segmentation.find(selector);
        if (descriptor == null) {
            throw refuse(Vector.TS, selector, "the task's " + what + " is null or beyond the limit of its table");
        }
        return descriptor;
    }

    private CpuFault refuse(Vector vector, int selector, String why) {
        return CpuFault.selector(vector, selector, ext).because(why);
    }
}
