package dev.kvmguest.junit;

import java.util.function.Consumer;
import org.assertj.core.api.AbstractSoftAssertions;
import org.assertj.core.api.SoftAssertionsProvider;
import org.assertj.core.api.StandardSoftAssertionsProvider;

/**
 * Soft assertions on guests, together with AssertJ's own: a failure doesn't end the test, and all failures are reported
 * together at the end.
 *
 * <pre>{@code
 * GuestSoftAssertions.assertSoftly(softly -> {
 *     softly.assertThat(outcome).debugExited(0).consoleContains("9 x 9 = 81");
 *     softly.assertThat(outcome).screen().contains("ready");
 *     softly.assertThat(outcome.run().unclaimedPorts()).isEmpty();
 * });
 * }</pre>
 *
 * <p>The assertions that these lead to are soft as well: {@link OutcomeAssert#screen}, {@link OutcomeAssert#fault} and
 * {@link GuestAssert#ended}.
 */
public class GuestSoftAssertions extends AbstractSoftAssertions
        implements StandardSoftAssertionsProvider, GuestSoftAssertionsProvider {

    /** Runs soft assertions, then throws the failures, if there are any. */
    public static void assertSoftly(Consumer<GuestSoftAssertions> assertions) {
        SoftAssertionsProvider.assertSoftly(GuestSoftAssertions.class, assertions);
    }
}
