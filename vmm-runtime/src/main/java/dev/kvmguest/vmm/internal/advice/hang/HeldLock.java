package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Recognizes a wait for a lock that is never released.
 *
 * <p>Silent if another vCPU or a handler could release it.
 */
final class HeldLock {

    /** What takes a lock and says at once whether it was free. */
    private static final Set<Mnemonic> TRIES =
            EnumSet.of(Mnemonic.BTR, Mnemonic.BTS, Mnemonic.CMPXCHG, Mnemonic.XADD, Mnemonic.XCHG);

    private HeldLock() {}

    /** The loop tries to take a lock, and nobody else runs who could release it. */
    static Optional<String> byItself(HangEvidence evidence) {
        if (!isTried(evidence) || !evidence.context().alone() || !evidence.isUninterruptible()) {
            return Optional.empty();
        }
        Poll lock = evidence.polls().get(0);
        return Optional.of("the loop tries to take the lock " + lock.name(evidence.image())
                + ", which isn't free, and nobody can release it: nothing else runs while it waits, since this is the"
                + " only vCPU and " + (evidence.interruptsAreOff() ? "interrupts are off" : "all interrupts are masked")
                + "; look for code that takes it twice, returns without releasing it, or never made it free");
    }

    /** Returns whether all that the loop looks at is a place in memory that it exchanges with a register. */
    static boolean isTried(HangEvidence evidence) {
        return evidence.looksOnlyAtMemory()
                && evidence.polls().size() == 1
                && evidence.loop().orElseThrow().round().stream()
                        .filter(step -> !step.reads().isEmpty())
                        .allMatch(step -> step.instruction()
                                .filter(one -> TRIES.contains(one.mnemonic))
                                .isPresent());
    }
}
