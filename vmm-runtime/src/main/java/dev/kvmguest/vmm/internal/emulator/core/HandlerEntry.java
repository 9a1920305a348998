package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * Enters a handler through the IVT or the IDT, the checks in the order of the pseudocode of INT n (Intel SDM volume 2).
 * Nothing is changed before all of them are passed and the stack is known to be writable.
 */
final class HandlerEntry {

    private static final int VECTOR_BYTES = 4;

    private final Cpu cpu;

    HandlerEntry(Cpu cpu) {
        this.cpu = cpu;
    }

    /**
     * Enters the handler of an event.
     *
     * @throws CpuFault if that is not possible
     */
    void enter(Event event) {
        if (cpu.isProtected()) {
            enterProtected(event);
        } else {
            enterReal(event);
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

    private void enterProtected(Event event) {
        SegmentDescriptor gate = gate(event);
        int ext = event.ext();
        int selector = gate.gateSelector();
        if (Selector.isNull(selector)) {
            throw CpuFault.of(Vector.GP, ext).because(name(event) + " has a null code segment");
        }
        SegmentDescriptor code = cpu.segmentation.get(selector, Vector.GP, ext);
        checkCode(code, selector, ext);
        int level = code.isConforming() ? cpu.cpl() : code.dpl();
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
        cpu.segmentation.loadCode(selector, code, level);
        cpu.eip = gate.gateOffset();
        cpu.eflags.put(Flag.TF | Flag.NT | Flag.VM | Flag.RF, false);
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
        if (gate.isTaskGate()) {
            TaskGateChecks.checkGate(cpu, gate, event.ext());
            throw new UnsupportedInstruction("hardware task switch: " + name(event) + " is a task gate");
        }
        return gate;
    }

    private String name(Event event) {
        long address = cpu.mode().addresses().linear(cpu.idtr.base() + InterruptTable.offset(event.vector()));
        return "IDT[" + event.vector() + "] at 0x" + Long.toHexString(address);
    }

    private void checkCode(SegmentDescriptor code, int selector, int ext) {
        if (!code.isCode()) {
            throw CpuFault.selector(Vector.GP, selector, ext).because("the handler's segment is not a code segment");
        }
        if (code.dpl() > cpu.cpl()) {
            throw CpuFault.selector(Vector.GP, selector, ext).because("the handler's segment has a DPL above CPL");
        }
        if (!code.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector, ext).because("the handler's segment is not present");
        }
    }

    private StackFrame frame(Event event, InnerStack inner, int level, int width) {
        StackFrame frame;
        if (inner == null) {
            frame = StackFrame.current(cpu, width);
        } else {
            frame = new StackFrame(cpu, inner.segment(), inner.pointer(), level, width)
                    .push(cpu.segments[Cpu.SS].selector())
                    .push(cpu.registers.gpr[Registers.RSP]);
        }
        frame.push(cpu.eflags.get() | event.rf())
                .push(cpu.segments[Cpu.CS].selector())
                .push(event.eip());
        return event.hasErrorCode() ? frame.push(event.errorCode()) : frame;
    }
}
