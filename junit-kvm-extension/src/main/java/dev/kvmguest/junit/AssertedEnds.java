package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Which outcomes the running tests have asserted. An outcome is found by its identity, not by the asserting thread:
 * assertions may run on any thread.
 */
final class AssertedEnds {

    private static final Map<Outcome, Boolean> ASSERTED = Collections.synchronizedMap(new IdentityHashMap<>());

    private AssertedEnds() {}

    /** Watches from now on whether the outcome is asserted, until {@link #forget}. */
    static void watch(Outcome outcome) {
        ASSERTED.putIfAbsent(outcome, false);
    }

    /** Records that a test has asserted how this run ended. Does nothing if the outcome isn't watched. */
    static void markAsserted(Outcome outcome) {
        ASSERTED.replace(outcome, true);
    }

    static boolean wasAsserted(Outcome outcome) {
        return ASSERTED.getOrDefault(outcome, false);
    }

    static void forget(Outcome outcome) {
        ASSERTED.remove(outcome);
    }

    /** Returns the number of outcomes watched. */
    static int watched() {
        return ASSERTED.size();
    }
}
