package dev.kvmguest.junit;

import dev.kvmguest.vmm.compare.GuestComparison;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import org.assertj.core.api.SoftAssertionsProvider;

/**
 * The entry points for soft assertions on guests, for projects with soft assertions of their own. Others use
 * {@link GuestSoftAssertions}.
 */
public interface GuestSoftAssertionsProvider extends SoftAssertionsProvider {

    /** Starts soft assertions on how a guest ended and what it did. */
    default OutcomeAssert assertThat(Outcome actual) {
        return Softness.of(this).outcome(actual);
    }

    /** Starts soft assertions on a screen. */
    default ScreenAssert assertThat(Screen actual) {
        return Softness.of(this).screen(actual);
    }

    /** Starts soft assertions on what a guest does on each engine. */
    default GuestComparisonAssert assertThat(GuestComparison actual) {
        return Softness.of(this).comparison(actual);
    }

    /** Starts soft assertions on a live guest. */
    default GuestAssert assertThat(Guest actual) {
        return Softness.of(this).guest(actual);
    }
}
