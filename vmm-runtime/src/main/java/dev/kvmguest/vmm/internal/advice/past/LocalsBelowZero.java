package dev.kvmguest.vmm.internal.advice.past;

import dev.kvmguest.vmm.internal.advice.StackBelowZero;
import java.util.Optional;

/**
 * Recognizes a guest that goes on with local variables where no RAM is, since their room took ESP below 0.
 *
 * <p>Silent about guests that died, of whom the same is told by the rules for those.
 */
final class LocalsBelowZero {

    private LocalsBelowZero() {}

    /** An instruction of the image subtracts from ESP more than it was. */
    static Optional<String> goOn(PastEvidence evidence) {
        return evidence.hung()
                ? StackBelowZero.byLocals(evidence.registers(), evidence.image(), evidence.memory())
                : Optional.empty();
    }
}
