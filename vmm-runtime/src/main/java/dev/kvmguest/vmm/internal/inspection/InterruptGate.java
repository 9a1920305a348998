package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An entry of the IDT, of 8 bytes or, in long mode, of 16 (Intel SDM volume 3A, 6.11 and 6.14.1).
 *
 * @param low its first eight bytes
 * @param high its last eight bytes; 0 outside long mode
 * @param longMode whether it is one of long mode
 */
public record InterruptGate(SegmentDescriptor low, long high, boolean longMode) {

    /** Reads the gate of a vector; empty if the IDT ends before it, or it can't be read. */
    public static Optional<InterruptGate> of(CpuState registers, LinearMemory memory, int vector) {
        return isWithinLimit(registers, vector)
                ? at(memory, address(registers, vector), registers.longMode())
                : Optional.empty();
    }

    /**
     * Reads a gate wherever it is; empty if it can't be read.
     *
     * @param address its linear address
     */
    public static Optional<InterruptGate> at(LinearMemory memory, long address, boolean longMode) {
        OptionalLong low = memory.readLong(address);
        OptionalLong high = longMode ? memory.readLong(address + SegmentDescriptor.BYTES) : OptionalLong.of(0);
        return low.isEmpty() || high.isEmpty()
                ? Optional.empty()
                : Optional.of(new InterruptGate(new SegmentDescriptor(low.getAsLong()), high.getAsLong(), longMode));
    }

    /** Returns the bytes of a gate. */
    public static int bytes(CpuState registers) {
        return registers.longMode() ? LongModeDescriptor.BYTES : SegmentDescriptor.BYTES;
    }

    /** Returns the linear address of a vector's gate, whether or not the IDT has it. */
    public static long address(CpuState registers, int vector) {
        AddressPolicy addresses = registers.longMode() ? AddressPolicy.CANONICAL_48 : AddressPolicy.WRAP_32;
        return addresses.linear(registers.idt().base() + (long) vector * bytes(registers));
    }

    /** Returns whether IDTR's limit has all of a vector's gate. */
    public static boolean isWithinLimit(CpuState registers, int vector) {
        int limit = registers.idt().limit();
        return registers.longMode()
                ? InterruptTable.holdsInLongMode(limit, vector)
                : InterruptTable.holds(limit, vector);
    }

    /** Returns how many gates IDTR's limit has room for. */
    public static int count(CpuState registers) {
        return (registers.idt().limit() + 1) / bytes(registers);
    }

    private LongModeDescriptor wide() {
        return new LongModeDescriptor(low, high);
    }

    /** Returns the same gate with other first eight bytes. */
    public InterruptGate withLow(long raw) {
        return new InterruptGate(new SegmentDescriptor(raw), high, longMode);
    }

    /** Returns the first eight bytes, which say whether there is a gate at all. */
    public long raw() {
        return low.raw();
    }

    /** Returns where it leads. */
    public long offset() {
        return longMode ? wide().gateOffset() : low.gateOffset();
    }

    public int selector() {
        return low.gateSelector();
    }

    /** Returns which stack of the TSS's interrupt stack table it asks for, 1 to 7; 0 for none. */
    public int interruptStack() {
        return longMode ? wide().interruptStack() : 0;
    }

    public boolean isPresent() {
        return low.isPresent();
    }

    public int dpl() {
        return low.dpl();
    }

    public int accessByte() {
        return low.accessByte();
    }

    /** Returns whether this is a gate that clears IF. */
    public boolean isInterruptGate() {
        return longMode ? wide().isInterruptGate() : low.isInterruptGate();
    }

    public boolean isTrapGate() {
        return longMode ? wide().isTrapGate() : low.isTrapGate();
    }

    /** Returns whether this is a task gate, which long mode doesn't have. */
    public boolean isTaskGate() {
        return !longMode && low.isTaskGate();
    }

    /** Returns whether it is one that leads to a handler: present, and an interrupt gate or a trap gate. */
    public boolean leadsToHandler() {
        return isPresent() && (isInterruptGate() || isTrapGate());
    }

    /** Returns whether it leads to a handler of 32-bit or 64-bit code. */
    public boolean entersWide() {
        return low.isWide() && leadsToHandler();
    }
}
