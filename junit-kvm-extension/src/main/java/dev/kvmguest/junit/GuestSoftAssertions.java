package dev.kvmguest.junit;

import java.util.function.Consumer;
import org.assertj.core.api.AbstractSoftAssertions;
import org.assertj.core.api.SoftAssertionsProvider;
import org.assertj.core.api.StandardSoftAssertionsProvider;

/**
 * Soft assertions on guests, beside AssertJ's own: a failure doesn't end the test, and all are told together at the end.
 *
 * <pre>{@code
 * GuestSoftAssertions.assertSoftly(softly -> {
 *     softly.assertThat(outcome).debugExited(0).consoleContains("9 x 9 = 81");
 *     softly.assertThat(outcome).screen().contains("ready");
 *     softly.assertThat(outcome.run().unclaimedPorts()).isEmpty();
 * });
 * }</pre>
 *
 * <p>What the assertions lead to is soft as well: {@link OutcomeAssert#screen}, {@link OutcomeAssert#fault} and {@link
 * GuestAssert#ended}.
 */
public class GuestSoftAssertions extends AbstractSoftAssertions
        implements StandardSoftAssertionsProvider, GuestSoftAssertionsProvider {

    /** Runs soft assertions, and then throws what failed, if anything did. */
    public static void assertSoftly(Consumer<GuestSoftAssertions> assertions) {
        SoftAssertionsProvider.assertSoftly(GuestSoftAssertions.class, assertions);
    }
}
