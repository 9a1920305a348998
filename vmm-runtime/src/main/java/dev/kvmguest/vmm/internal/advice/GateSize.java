package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import java.util.Optional;

/**
 * Recognizes an IDT with the gates of 8 bytes that protected mode has, while long mode takes 16 (Intel SDM volume 3A,
 * 6.11 and 6.14.1).
 *
 * <p>Silent unless two such gates follow each other and lead to code of the image, the second one in what long mode
 * takes for the upper half of the first.
 */
final class GateSize {

    private GateSize() {}

    /** The table is one of protected mode. */
    static Optional<String> ofProtectedMode(Evidence evidence) {
        if (!evidence.registers().longMode()) {
            return Optional.empty();
        }
        long base = evidence.registers().idt().base();
        int bytes = Math.min(evidence.registers().idt().limit() + 1, InterruptTable.VECTORS * SegmentDescriptor.BYTES);
        for (long offset = 0; offset + LongModeDescriptor.BYTES <= bytes; offset += LongModeDescriptor.BYTES) {
            if (isGate(evidence, base + offset) && isGate(evidence, base + offset + SegmentDescriptor.BYTES)) {
                long first = offset / SegmentDescriptor.BYTES;
                return Optional.of(
                        "the IDT at " + hex(base) + " has gates of 8 bytes, such as those of vectors " + first
                                + " and " + (first + 1) + " at " + hex(base + offset)
                                + "; in long mode a gate has 16: bits 63 to 32 of the handler's address in bytes 8 to 11, and 0 in"
                                + " bytes 12 to 15");
            }
        }
        return Optional.empty();
    }

    private static boolean isGate(Evidence evidence, long address) {
        return InterruptGate.at(evidence.memory(), address, false)
                .filter(gate -> gate.leadsToHandler() && evidence.isInImage(gate.offset()))
                .isPresent();
    }
}
