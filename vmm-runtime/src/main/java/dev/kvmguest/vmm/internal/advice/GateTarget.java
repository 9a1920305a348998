package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.internal.inspection.GateTargets;
import java.util.Optional;

/**
 * Recognizes gates that have something else than the address of their handler: its lower half alone, or the first bytes
 * of its code.
 *
 * <p>Silent if there may be code where the gate leads, because the image or the guest has put some there.
 */
final class GateTarget {

    private GateTarget() {}

    /** A gate through which something went, or was to go, leads nowhere. */
    static Optional<String> any(Evidence evidence) {
        return evidence.strayGate();
    }

    /** Looks for it; {@link Evidence} keeps what was found, since many rules give way to this one. */
    static Optional<String> find(Evidence evidence) {
        GateTargets targets =
                new GateTargets(evidence.registers(), evidence.image(), evidence.layout(), evidence.memory());
        return evidence.isInImage(evidence.address())
                ? Gates.vectors(evidence).stream()
                        .map(targets::mistaken)
                        .flatMap(Optional::stream)
                        .findFirst()
                : targets.anyMistaken();
    }
}
