package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import java.util.Optional;
import java.util.OptionalLong;

/** Reads the gates of an IDT of long mode (Intel SDM volume 3A, 6.14.1). */
final class LongModeGate {

    private LongModeGate() {}

    /** Returns the gate of a vector; empty unless IDTR's limit has all of it, and it leads to a handler. */
    static Optional<LongModeDescriptor> of(Evidence evidence, int vector) {
        long address = evidence.registers().idt().base() + InterruptTable.longModeOffset(vector);
        OptionalLong low = evidence.memory().readLong(address);
        OptionalLong high = evidence.memory().readLong(address + SegmentDescriptor.BYTES);
        boolean within =
                InterruptTable.holdsInLongMode(evidence.registers().idt().limit(), vector);
        return within && low.isPresent() && high.isPresent()
                ? Optional.of(new LongModeDescriptor(new SegmentDescriptor(low.getAsLong()), high.getAsLong()))
                        .filter(gate -> (gate.isInterruptGate() || gate.isTrapGate())
                                && gate.low().isPresent())
                : Optional.empty();
    }
}
