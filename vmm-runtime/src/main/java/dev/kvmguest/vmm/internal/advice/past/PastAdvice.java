package dev.kvmguest.vmm.internal.advice.past;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** Returns the advice that neither the exception nor the loop of an end gives. */
public final class PastAdvice {

    /** More than these are not read. */
    private static final int MOST = 3;

    private static final List<Function<PastEvidence, Optional<String>>> RULES = List.of(
            BootInformation::overwritten,
            InterruptedRegisters::byHandler,
            SharedInterruptStack::frameLost,
            // What looks at the image only comes before what replays the run.
            WrongOrigin::ofText,
            LowerHalves::used,
            LocalsBelowZero::goOn,
            StackOverCode::goesOn,
            UncalledConstructors::ofObject,
            LostExecution::byTransfer);

    private PastAdvice() {}

    /** Returns the causes that the evidence proves, each with its way out, as sentences without a full stop. */
    public static List<String> of(PastEvidence evidence) {
        return RULES.stream()
                .map(rule -> rule.apply(evidence))
                .flatMap(Optional::stream)
                .toList();
    }

    /**
     * Returns both advices, that of what led to an end first; three sentences at most.
     *
     * @param past what {@link #of} has returned
     * @param end what the exception or the loop tells
     */
    public static List<String> before(List<String> past, List<String> end) {
        return Stream.concat(past.stream(), end.stream()).limit(MOST).toList();
    }
}
