package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An entry of the IDT, of 8 bytes or, in long mode, of 16 (Intel SDM volume 3A, 6.11 and 6.14.1).
 *
 * @param low its first eight bytes
 * @param offset where it leads
 * @param longMode whether it is one of long mode
 */
public record InterruptGate(SegmentDescriptor low, long offset, boolean longMode) {

    /** Reads the gate of a vector; empty if the IDT ends before it, or it can't be read. */
    public static Optional<InterruptGate> of(CpuState registers, LinearMemory memory, int vector) {
        int limit = registers.idt().limit();
        long table = registers.idt().base();
        if (!registers.longMode()) {
            OptionalLong raw = InterruptTable.holds(limit, vector)
                    ? memory.readLong(table + InterruptTable.offset(vector))
                    : OptionalLong.empty();
            return raw.stream()
                    .mapToObj(SegmentDescriptor::new)
                    .map(gate -> new InterruptGate(gate, gate.gateOffset(), false))
                    .findFirst();
        }
        long address = table + InterruptTable.longModeOffset(vector);
        OptionalLong low =
                InterruptTable.holdsInLongMode(limit, vector) ? memory.readLong(address) : OptionalLong.empty();
        OptionalLong high = memory.readLong(address + SegmentDescriptor.BYTES);
        if (low.isEmpty() || high.isEmpty()) {
            return Optional.empty();
        }
        SegmentDescriptor gate = new SegmentDescriptor(low.getAsLong());
        return Optional.of(new InterruptGate(gate, new LongModeDescriptor(gate, high.getAsLong()).gateOffset(), true));
    }

    int selector() {
        return low.gateSelector();
    }

    /** Returns whether it leads to a handler of 32-bit or 64-bit code. */
    public boolean entersWide() {
        return low.isPresent() && low.isWide() && (low.isInterruptGate() || low.isTrapGate());
    }
}
