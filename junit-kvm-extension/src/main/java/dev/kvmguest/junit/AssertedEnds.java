package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What the running tests have asserted of outcomes: their ends, and what is on their consoles. An outcome is found by
 * its identity, not by the asserting thread: assertions may run on any thread.
 */
final class AssertedEnds {

    private static final Map<Outcome, Asserted> ASSERTED = Collections.synchronizedMap(new IdentityHashMap<>());

    private static final class Asserted {
        private volatile boolean end;
        private final List<Pattern> console = Collections.synchronizedList(new ArrayList<>());
    }

    private AssertedEnds() {}

    /** Watches from now on what is asserted of the outcome, until {@link #forget}. */
    static void watch(Outcome outcome) {
        ASSERTED.putIfAbsent(outcome, new Asserted());
    }

    /** Records that a test has asserted how this run ended. Does nothing if the outcome isn't watched. */
    static void markAsserted(Outcome outcome) {
        of(outcome).end = true;
    }

    /** Records that a test has asserted what is on the console. Does nothing if the outcome isn't watched. */
    static void markConsole(Outcome outcome, Pattern expected) {
        of(outcome).console.add(expected);
    }

    static boolean wasAsserted(Outcome outcome) {
        return of(outcome).end;
    }

    /** Returns what was asserted to be on the console. */
    static List<Pattern> console(Outcome outcome) {
        return List.copyOf(of(outcome).console);
    }

    private static Asserted of(Outcome outcome) {
        return ASSERTED.getOrDefault(outcome, new Asserted());
    }

    static void forget(Outcome outcome) {
        ASSERTED.remove(outcome);
    }

    /** Returns the number of outcomes watched. */
    static int watched() {
        return ASSERTED.size();
    }
}
