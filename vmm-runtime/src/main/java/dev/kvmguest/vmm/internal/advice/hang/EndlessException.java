package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import java.util.List;
import java.util.Optional;

/**
 * Recognizes a handler that returns to the instruction that raised its exception, with nothing changed.
 *
 * <p>Silent before the third time, and if the loop has other exceptions.
 */
final class EndlessException {

    /** So often that the handler has had its chance. */
    private static final int ROUNDS = 3;

    private EndlessException() {}

    /** The loop is an instruction, the exception that it raises, and a handler whose IRET goes back to it. */
    static Optional<String> again(HangEvidence evidence) {
        List<HandledException> taken = evidence.seen().exceptions();
        if (taken.size() < ROUNDS || evidence.loop().isEmpty()) {
            return Optional.empty();
        }
        HandledException last = taken.get(taken.size() - 1);
        boolean alike = taken.stream()
                .allMatch(one -> one.at().eip() == last.at().eip()
                        && one.exception().vector() == last.exception().vector());
        if (!alike || !isReturnedTo(evidence.loop().get(), last.at().eip())) {
            return Optional.empty();
        }
        return Optional.of(last.exception() + " is raised again and again by "
                + last.at().namedBy(evidence.image()).inWords()
                + ", since its handler returns to that instruction; the handler must remove the cause, change the return"
                + " address on the stack, or not return");
    }

    private static boolean isReturnedTo(SpinLoop loop, long eip) {
        List<Step> round = loop.round();
        for (int i = 0; i < round.size(); i++) {
            Step before = round.get((i + round.size() - 1) % round.size());
            if (round.get(i).before().eip() == eip) {
                return before.instruction()
                        .filter(one -> one.mnemonic.is(Trait.INTERRUPT_RETURN))
                        .isPresent();
            }
        }
        return false;
    }
}
