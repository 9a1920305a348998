package dev.kvmguest.junit;

import dev.kvmguest.vmm.compare.GuestComparison;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.util.Optional;
import org.assertj.core.api.SoftAssertionsProvider;
import org.assertj.core.api.SoftAssertionsProvider.ThrowingRunnable;

/**
 * Makes the assertions that others lead to, such as those on a guest's screen, as soft as those others. AssertJ's
 * proxies can't do this: they know only AssertJ's own methods that lead to other assertions.
 *
 * @param softly what collects the failures; empty if a failure throws
 */
record Softness(Optional<SoftAssertionsProvider> softly) {

    /** A failure throws. */
    static final Softness NONE = new Softness(Optional.empty());

    static Softness of(SoftAssertionsProvider softly) {
        return new Softness(Optional.of(softly));
    }

    OutcomeAssert outcome(Outcome actual) {
        return softly.map(soft -> soft.proxy(OutcomeAssert.class, Outcome.class, actual))
                .orElseGet(() -> new OutcomeAssert(actual))
                .with(this);
    }

    ScreenAssert screen(Screen actual) {
        return softly.map(soft -> soft.proxy(ScreenAssert.class, Screen.class, actual))
                .orElseGet(() -> new ScreenAssert(actual));
    }

    GuestComparisonAssert comparison(GuestComparison actual) {
        return softly.map(soft -> soft.proxy(GuestComparisonAssert.class, GuestComparison.class, actual))
                .orElseGet(() -> new GuestComparisonAssert(actual));
    }

    GuestAssert guest(Guest actual) {
        return softly.map(soft -> soft.proxy(GuestAssert.class, Guest.class, actual))
                .orElseGet(() -> new GuestAssert(actual))
                .with(this);
    }

    /** Starts assertions on a fault; null if there is no fault and that has been collected as a failure. */
    FaultAssert fault(Fault actual, Outcome outcome) {
        return softly.map(soft -> soft.proxy(FaultAssert.class, Fault.class, actual))
                .orElseGet(() -> new FaultAssert(actual))
                .of(outcome);
    }

    /** Runs an assertion, and collects its failure if these assertions are soft. */
    void check(Runnable assertion) {
        ThrowingRunnable throwing = assertion::run;
        softly.ifPresentOrElse(soft -> soft.check(throwing), assertion);
    }
}
