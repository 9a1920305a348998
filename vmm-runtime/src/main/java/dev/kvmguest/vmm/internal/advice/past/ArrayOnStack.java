package dev.kvmguest.vmm.internal.advice.past;

import dev.kvmguest.vmm.internal.advice.StackBelowZero;
import java.util.Optional;

/** Recognizes a guest that hangs with its stack below 0, where its local variables took ESP. */
final class ArrayOnStack {

    private ArrayOnStack() {}

    /** An instruction of the image subtracts from ESP more than it was. */
    static Optional<String> tookItBelowZero(PastEvidence evidence) {
        return evidence.hung()
                ? StackBelowZero.byLocals(evidence.registers(), evidence.image(), evidence.memory())
                : Optional.empty();
    }
}
