package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;

/**
 * Enters a handler through the IVT or the IDT, the checks in the order of the pseudocode of INT n (Intel SDM volume 2).
 * Nothing is changed before all of them are passed and the stack is known to be writable.
 */
final class HandlerEntry {

    private static final int VECTOR_BYTES = 4;
    /** The order in which they are pushed. */
    private static final int[] VIRTUAL_8086_DATA = {Cpu.GS, Cpu.FS, Cpu.DS, Cpu.ES};

    private final Cpu cpu;
    private final LongModeHandlerEntry longMode;
    private CpuState leftTask;

    HandlerEntry(Cpu cpu) {
        this.cpu = cpu;
        this.longMode = new LongModeHandlerEntry(cpu);
    }

    /**
     * Enters the handler of an event.
     *
     * @return what the handler's task raises before its first instruction, if it has one of its own
     * @throws CpuFault if that is not possible
     */
    Optional<CpuFault> enter(Event event) {
        if (!cpu.isProtected()) {
            enterReal(event);
            return Optional.empty();
        }
        if (cpu.isLongMode()) {
            longMode.enter(event);
            return Optional.empty();
        }
        SegmentDescriptor gate = gate(event);
        if (gate.isTaskGate()) {
            return enterTask(event, gate);
        }
        enterProtected(event, gate);
        return Optional.empty();
    }

    /** Returns what the vCPU was like when an event took its first task away; empty if none has. */
    Optional<CpuState> leftTask() {
        return Optional.ofNullable(leftTask);
    }

    /** Forgets the task that was left: what is entered next is for another event. */
    void forgetTask() {
        leftTask = null;
    }

    private Optional<CpuFault> enterTask(Event event, SegmentDescriptor gate) {
        CpuState before = cpu.state();
        Optional<CpuFault> fault =
                TaskSwitch.handle(cpu, gate, event.eip(), cpu.eflags.get() | event.rf(), event.ext());
        if (leftTask == null) {
            leftTask = before;
        }
        if (fault.isPresent() || !event.hasErrorCode()) {
            return fault;
        }
        try {
            StackFrame frame =
                    StackFrame.current(cpu, TaskState.isWide(cpu) ? 4 : 2).push(event.errorCode());
            frame.requireRoom(event.ext());
            frame.checkWritable();
            frame.write();
            frame.commitPointer();
            return Optional.empty();
        } catch (CpuFault noRoom) {
            return Optional.of(noRoom);
        }
    }

    private void enterReal(Event event) {
        int index = event.vector() * VECTOR_BYTES;
        if (index + VECTOR_BYTES - 1 > cpu.idtr.limit()) {
            throw CpuFault.generalProtection().because("IVT[" + event.vector() + "] is beyond the limit of IDTR");
        }
        StackFrame frame = StackFrame.current(cpu, 2)
                .push(cpu.eflags.get())
                .push(cpu.segments[Cpu.CS].selector())
                .push(event.eip());
        frame.requireRoom(0);
        long target = cpu.memory.readSystem(cpu.idtr.base() + index, VECTOR_BYTES);
        frame.write();
        frame.commitPointer();
        cpu.eflags.put(Flag.IF | Flag.TF | Flag.AC | Flag.RF, false);
        cpu.loadRealSegment(Cpu.CS, (int) (target >> 16));
        cpu.eip = target & 0xffff;
    }

    private void enterProtected(Event event, SegmentDescriptor gate) {
        int ext = event.ext();
        int selector = gate.gateSelector();
        if (Selector.isNull(selector)) {
            throw CpuFault.of(Vector.GP, ext).because(name(event) + " has a null code segment");
        }
        SegmentDescriptor code = cpu.segmentation.get(selector, Vector.GP, ext);
        checkCode(cpu, code, selector, ext);
        requirePresent(code, selector, ext);
        int level = code.isConforming() ? cpu.cpl() : code.dpl();
        boolean virtual = cpu.isVirtual8086();
        if (virtual && level != 0) {
            throw CpuFault.selector(Vector.GP, selector, ext)
                    .because("the handler of virtual-8086 mode is not in ring 0");
        }
        InnerStack inner = level < cpu.cpl() ? InnerStack.find(cpu, level, ext) : null;

        StackFrame frame = frame(event, inner, level, gate.gateWidth());
        frame.requireRoom(inner == null ? ext : inner.segment().selector() & ~3 | ext);
        if (gate.gateOffset() > code.limit()) {
            throw CpuFault.of(Vector.GP, ext).because("the handler's address is beyond its code segment's limit");
        }
        frame.checkWritable();
        cpu.segmentation.markAccessed(selector, code);
        if (inner != null) {
            inner.markAccessed(cpu);
        }

        frame.write();
        if (inner != null) {
            inner.load(cpu);
        }
        frame.commitPointer();
        if (virtual) {
            cpu.segmentation.dropAllData();
            cpu.eflags.put(Flag.VM, false);
        }
        cpu.segmentation.loadCode(selector, code, level);
        cpu.eip = gate.gateOffset();
        cpu.eflags.put(Flag.TF | Flag.NT | Flag.RF, false);
        if (gate.isInterruptGate()) {
            cpu.eflags.put(Flag.IF, false);
        }
    }

    private SegmentDescriptor gate(Event event) {
        int vector = event.vector();
        int index = InterruptTable.offset(vector);
        if (!InterruptTable.holds(cpu.idtr.limit(), vector)) {
            throw CpuFault.gate(Vector.GP, vector, event.ext()).because(name(event) + " is beyond the limit of IDTR");
        }
        SegmentDescriptor gate =
                new SegmentDescriptor(cpu.memory.readSystem(cpu.idtr.base() + index, SegmentDescriptor.BYTES));
        if (!gate.isInterruptGate() && !gate.isTrapGate() && !gate.isTaskGate()) {
            throw CpuFault.gate(Vector.GP, vector, event.ext())
                    .because(name(event) + (gate.raw() == 0 ? " is empty" : " is not a gate to a handler"));
        }
        if (event.checksGate() && gate.dpl() < cpu.cpl()) {
            throw CpuFault.gate(Vector.GP, vector, 0).because(name(event) + " has a DPL below the privilege level");
        }
        if (!gate.isPresent()) {
            throw CpuFault.gate(Vector.NP, vector, event.ext()).because(name(event) + " is not present");
        }
        return gate;
    }

    private String name(Event event) {
        long address = cpu.mode().addresses().linear(cpu.idtr.base() + InterruptTable.offset(event.vector()));
        return "IDT[" + event.vector() + "] at 0x" + Long.toHexString(address);
    }

    /** Throws the fault of a handler's segment that can't be entered, present or not. */
    static void checkCode(Cpu cpu, SegmentDescriptor code, int selector, int ext) {
        if (!code.isCode()) {
            throw CpuFault.selector(Vector.GP, selector, ext).because("the handler's segment is not a code segment");
        }
        if (code.dpl() > cpu.cpl()) {
            throw CpuFault.selector(Vector.GP, selector, ext).because("the handler's segment has a DPL above CPL");
        }
    }

    static void requirePresent(SegmentDescriptor code, int selector, int ext) {
        if (!code.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector, ext).because("the handler's segment is not present");
        }
    }

    private StackFrame frame(Event event, InnerStack inner, int level, int width) {
        StackFrame frame;
        if (inner == null) {
            frame = StackFrame.current(cpu, width);
        } else {
            frame = new StackFrame(cpu, inner.segment(), inner.pointer(), level, width);
            if (cpu.isVirtual8086()) {
                for (int number : VIRTUAL_8086_DATA) {
                    frame.push(cpu.segments[number].selector());
                }
            }
            frame.push(cpu.segments[Cpu.SS].selector()).push(cpu.registers.gpr[Registers.RSP]);
        }
        frame.push(cpu.eflags.get() | event.rf())
                .push(cpu.segments[Cpu.CS].selector())
                .push(event.eip());
        return event.hasErrorCode() ? frame.push(event.errorCode()) : frame;
    }
}
