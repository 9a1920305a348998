package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.Notation;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;
import org.assertj.core.api.AbstractAssert;

/**
 * Assertions on a live guest as it is at this moment. They don't wait. To wait for output, use
 * {@link Guest#awaitOutput(String)}; to wait for the end, {@link #ended}.
 *
 * <pre>{@code
 * assertThat(guest).isRunning().consoleContains("Select:");
 * assertThat(guest).ended().debugExited(0);
 * }</pre>
 */
public class GuestAssert extends AbstractAssert<GuestAssert, Guest> {

    private Softness softness = Softness.NONE;

    /** Starts assertions on a live guest. AssertJ needs this constructor for soft assertions. */
    public GuestAssert(Guest actual) {
        super(actual, GuestAssert.class);
    }

    /** Makes the assertions that these lead to as soft as these are. */
    final GuestAssert with(Softness ofThese) {
        softness = ofThese;
        return this;
    }

    /** Verifies that the guest has booted and not ended. */
    public GuestAssert isRunning() {
        isNotNull();
        if (actual.outcome().isPresent()) {
            return check(Optional.of("expected the guest to be running, but it "
                    + actual.outcome().get().describe()));
        }
        if (!actual.isRunning()) {
            failWithMessage("%s", "expected the guest " + actual + " to be running, but nothing has booted it yet");
        }
        return this;
    }

    /** Waits until the guest has ended and starts assertions on how. */
    public final OutcomeAssert ended() {
        isNotNull();
        return softness.outcome(actual.await()).as(descriptionText());
    }

    /** Verifies that the console so far is exactly this text; CR LF and LF count as the same. */
    public GuestAssert hasConsole(String text) {
        isNotNull();
        String console = actual.console();
        return console(console, text, Consoles.notEqual(console, text));
    }

    /** Verifies that the console so far contains this text; CR LF and LF count as the same. */
    public GuestAssert consoleContains(String text) {
        isNotNull();
        String console = actual.console();
        return console(console, text, Consoles.notContaining(console, text));
    }

    /** Verifies that the console so far contains a match of this regular expression, with LF for every CR LF. */
    public GuestAssert consoleMatches(String regex) {
        isNotNull();
        String console = actual.console();
        return console(console, regex, Consoles.notMatching(console, Pattern.compile(regex)));
    }

    /** Starts assertions on what the screen shows now. To wait for a text, see {@link Guest#awaitScreen(String)}. */
    public final ScreenAssert screen() {
        isNotNull();
        return softness.screen(actual.screen()).as(descriptionText());
    }

    /** Verifies the bytes, 0 to 255 each, from a guest physical address on. */
    public GuestAssert hasMemory(long address, int... octets) {
        isNotNull();
        byte[] expected = Octets.of(octets);
        byte[] found = actual.memory().read(address, octets.length);
        return check(
                Arrays.equals(found, expected)
                        ? Optional.empty()
                        : Optional.of("expected " + Octets.text(expected) + " at guest physical address "
                                + Notation.hex(address) + ", but there is " + Octets.text(found)));
    }

    private GuestAssert console(String found, String expected, Optional<String> mismatch) {
        mismatch.ifPresent(text -> failWithActualExpectedAndMessage(found, expected, "%s", message(text)));
        return this;
    }

    private GuestAssert check(Optional<String> mismatch) {
        mismatch.ifPresent(text -> failWithMessage("%s", message(text)));
        return this;
    }

    private String message(String mismatch) {
        return actual.outcome()
                .map((Outcome outcome) -> Failures.message(mismatch, outcome))
                .orElseGet(() -> Failures.message(mismatch, actual));
    }
}
