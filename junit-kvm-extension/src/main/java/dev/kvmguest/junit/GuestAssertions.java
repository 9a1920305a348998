package dev.kvmguest.junit;

import dev.kvmguest.vmm.compare.GuestComparison;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;

/**
 * The entry points for assertions on guests. One file can import both these and AssertJ's own statically:
 *
 * <pre>{@code
 * import static dev.kvmguest.junit.GuestAssertions.assertThat;
 * import static org.assertj.core.api.Assertions.assertThat;
 *
 * assertThat(outcome).debugExited(0).consoleContains("9 x 9 = 81");
 * assertThat(outcome.run().wallMillis()).isLessThan(50);
 * }</pre>
 *
 * <p>For soft assertions there is {@link GuestSoftAssertions}.
 */
public final class GuestAssertions {

    private GuestAssertions() {}

    /** Starts assertions on how a guest ended and what it did. */
    public static OutcomeAssert assertThat(Outcome actual) {
        return new OutcomeAssert(actual);
    }

    /** Starts assertions on a screen. */
    public static ScreenAssert assertThat(Screen actual) {
        return new ScreenAssert(actual);
    }

    /** Starts assertions on what a guest does on each engine. */
    public static GuestComparisonAssert assertThat(GuestComparison actual) {
        return new GuestComparisonAssert(actual);
    }

    /** Starts assertions on a live guest. */
    public static GuestAssert assertThat(Guest actual) {
        return new GuestAssert(actual);
    }
}
