package dev.kvmguest.vmm.internal.advice.hang;

import java.util.Optional;

/** Recognizes a time limit that is too short: the guest ended in order soon after it. */
final class TimeLimitTooShort {

    private TimeLimitTooShort() {}

    /** The guest came to its end while it was looked at. */
    static Optional<String> needed(HangEvidence evidence) {
        return evidence.seen()
                .wentOn()
                .map(end -> "the guest was not stuck: moments after its time limit it " + end
                        + "; give it more time (timeout)");
    }
}
