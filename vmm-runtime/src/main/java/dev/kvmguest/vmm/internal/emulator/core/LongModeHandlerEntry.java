package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * Enters a handler in long mode, whatever code was interrupted, the checks in the order of the pseudocode of INT n
 * (Intel SDM volume 2, and volume 3A, 6.14). Nothing is changed before all of them are passed and the stack is known to
 * be writable.
 */
final class LongModeHandlerEntry {

    /** A frame begins at a multiple of 16 bytes. */
    private static final long ALIGNMENT = -16;

    private final Cpu cpu;

    LongModeHandlerEntry(Cpu cpu) {
        this.cpu = cpu;
    }

    /**
     * Enters the handler of an event.
     *
     * @throws CpuFault if that is not possible
     */
    void enter(Event event) {
        int ext = event.ext();
        LongModeDescriptor gate = gate(event);
        int selector = gate.low().gateSelector();
        if (Selector.isNull(selector)) {
            throw CpuFault.of(Vector.GP, ext).because(name(event) + " has a null code segment");
        }
        SegmentDescriptor code = cpu.segmentation.get(selector, Vector.GP, ext);
        checkCode(code, selector, ext);
        int level = code.isConforming() ? cpu.cpl() : code.dpl();
        boolean inner = level < cpu.cpl();
        int interruptStack = gate.interruptStack();
        long pointer = interruptStack != 0
                ? LongModeStacks.ofInterrupts(cpu, interruptStack, ext)
                : inner ? LongModeStacks.ofLevel(cpu, level, ext) : cpu.registers.gpr[Registers.RSP];
        StackFrame frame = frame(event, pointer & ALIGNMENT, level);
        frame.requireRoom(ext);
        if (!AddressPolicy.isCanonical(gate.gateOffset())) {
            throw CpuFault.of(Vector.GP, ext).because("the handler's address is not canonical");
        }
        frame.checkWritable();
        cpu.segmentation.markAccessed(selector, code);

        frame.write();
        if (inner) {
            LongModeStacks.loadNullStack(cpu, level);
        }
        frame.commitPointer();
        cpu.segmentation.loadCode(selector, code, level);
        cpu.eip = gate.gateOffset();
        cpu.eflags.put(Flag.TF | Flag.NT | Flag.RF, false);
        if (gate.isInterruptGate()) {
            cpu.eflags.put(Flag.IF, false);
        }
    }

    private LongModeDescriptor gate(Event event) {
        int vector = event.vector();
        if (!InterruptTable.holdsInLongMode(cpu.idtr.limit(), vector)) {
            throw CpuFault.gate(Vector.GP, vector, event.ext()).because(name(event) + " is beyond the limit of IDTR");
        }
        long address = cpu.idtr.base() + InterruptTable.longModeOffset(vector);
        LongModeDescriptor gate = new LongModeDescriptor(
                new SegmentDescriptor(cpu.memory.readSystem(address, SegmentDescriptor.BYTES)),
                cpu.memory.readSystem(address + SegmentDescriptor.BYTES, SegmentDescriptor.BYTES));
        if (!gate.isInterruptGate() && !gate.isTrapGate()) {
            throw CpuFault.gate(Vector.GP, vector, event.ext())
                    .because(
                            name(event) + (gate.low().raw() == 0 ? " is empty" : " is not a 64-bit gate to a handler"));
        }
        if (event.checksGate() && gate.low().dpl() < cpu.cpl()) {
            throw CpuFault.gate(Vector.GP, vector, 0).because(name(event) + " has a DPL below the privilege level");
        }
        if (!gate.low().isPresent()) {
            throw CpuFault.gate(Vector.NP, vector, event.ext()).because(name(event) + " is not present");
        }
        return gate;
    }

    private String name(Event event) {
        long address = cpu.idtr.base() + InterruptTable.longModeOffset(event.vector());
        return "IDT[" + event.vector() + "] at 0x" + Long.toHexString(address);
    }

    private void checkCode(SegmentDescriptor code, int selector, int ext) {
        HandlerEntry.checkCode(cpu, code, selector, ext);
        if (!code.isLong() || code.default32()) {
            throw CpuFault.selector(Vector.GP, selector, ext)
                    .because("the handler's segment is not 64-bit code (L set, D clear)");
        }
        HandlerEntry.requirePresent(code, selector, ext);
    }

    /** SS and RSP are pushed always, unlike outside long mode. */
    private StackFrame frame(Event event, long pointer, int level) {
        StackFrame frame = StackFrame.of64(cpu, pointer, level)
                .push(cpu.segments[Cpu.SS].selector())
                .push(cpu.registers.gpr[Registers.RSP])
                .push(cpu.eflags.get() | event.rf())
                .push(cpu.segments[Cpu.CS].selector())
                .push(event.eip());
        return event.hasErrorCode() ? frame.push(event.errorCode()) : frame;
    }
}
