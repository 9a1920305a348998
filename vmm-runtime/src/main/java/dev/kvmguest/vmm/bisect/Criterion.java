package dev.kvmguest.vmm.bisect;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What tells a bad run from a good one.
 *
 * @param words to follow "bad is a guest that" in a sentence
 * @param bad whether a run is bad
 */
record Criterion(String words, Predicate<Outcome> bad) {

    boolean isBad(Outcome outcome) {
        return bad.test(outcome);
    }

    /** Returns the same with the words and the verdict the other way round. */
    Criterion inverted() {
        return new Criterion("is not one that " + words, bad.negate());
    }

    /** Returns the criterion that a run ends as this one did: the kind of end, its exit code, its first exception. */
    static Criterion endsLike(Outcome end) {
        return new Criterion(describe(end), other -> sameEnd(end, other));
    }

    /** Returns whether two runs end alike. */
    static boolean sameEnd(Outcome one, Outcome other) {
        return one.kind() == other.kind()
                && one.endedNormally() == other.endedNormally()
                && one.exitCode().equals(other.exitCode())
                && exception(one).equals(exception(other));
    }

    /** Returns how a run ended, with the exception that it died of. */
    static String describe(Outcome end) {
        return end.describe()
                + exception(end)
                        .filter(name -> !end.describe().contains(name))
                        .map(name -> " by " + name)
                        .orElse("");
    }

    /** Returns the exception that a run died of. */
    static Optional<String> exception(Outcome outcome) {
        return outcome.fault().map(Fault::first).map(Fault.Event::name);
    }
}
