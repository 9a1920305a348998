package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.LongModeTask;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes an RSP0 of the TSS of long mode that is set to where no stack is, for a handler that is entered from ring
 * 3 (Intel SDM volume 3A, 6.14.2 and 7.7).
 *
 * <p>Silent in other rings, for gates with an IST, about an RSP0 of 0, and if the first push of the frame would find
 * RAM.
 */
final class RingZeroStack {

    private static final int RSP_0 = LongModeTask.innerStack(0);
    private static final int USER = 3;
    private static final long ALIGNMENT = -16;

    private RingZeroStack() {}

    /** RSP0 leads nowhere. */
    static Optional<String> unusable(Evidence evidence) {
        SegmentState task = evidence.registers().segment(SegmentRegister.TR);
        boolean needed = evidence.mode().isLong()
                && evidence.cpl() == USER
                && RSP_0 + Long.BYTES - 1 <= task.limit()
                && evidence.handlerGate(evidence.first().vector())
                        .filter(gate -> gate.interruptStack() == 0)
                        .flatMap(gate -> evidence.descriptor(gate.selector()))
                        .filter(RingZeroStack::isOfRing0)
                        .isPresent();
        OptionalLong pointer = needed ? evidence.memory().readLong(task.base() + RSP_0) : OptionalLong.empty();
        if (pointer.isEmpty() || pointer.getAsLong() == 0) {
            return Optional.empty();
        }
        long first = (pointer.getAsLong() & ALIGNMENT) - Long.BYTES;
        return evidence.memory().isRam(first)
                ? Optional.empty()
                : Optional.of(
                        "the handler of " + evidence.first().name() + " is in ring 0, its cause in ring 3, and RSP0 in"
                                + " the TSS at " + hex(task.base()) + " is " + hex(pointer.getAsLong()) + ", "
                                + why(evidence, first)
                                + "; set RSP0 to the end of a stack that the page tables of every program"
                                + " map");
    }

    private static boolean isOfRing0(SegmentDescriptor code) {
        return code.isCode() && code.isPresent() && !code.isConforming() && code.dpl() == 0;
    }

    private static String why(Evidence evidence, long first) {
        if (!AddressPolicy.isCanonical(first)) {
            return "which is not canonical";
        }
        return evidence.memory().isMapped(first) ? "below which no RAM is" : "below which no page is mapped";
    }
}
