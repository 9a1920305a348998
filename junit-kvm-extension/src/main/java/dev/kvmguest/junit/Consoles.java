package dev.kvmguest.junit;

import static dev.kvmguest.vmm.text.ConsoleText.quoted;
import static dev.kvmguest.vmm.text.ConsoleText.tail;
import static dev.kvmguest.vmm.text.ConsoleText.withoutCarriageReturns;

import dev.kvmguest.vmm.outcome.PatternSearch;
import java.util.Optional;
import java.util.regex.Pattern;

/** Compares a console's text with what is expected. Each method returns what differs, or empty. CR LF counts as LF. */
final class Consoles {

    private Consoles() {}

    /** Returns what finds a text where CR LF counts as LF. */
    static Pattern literally(String text) {
        return Pattern.compile(Pattern.quote(withoutCarriageReturns(text)));
    }

    static Optional<String> notEqual(String console, String expected) {
        return unless(
                withoutCarriageReturns(console).equals(withoutCarriageReturns(expected)),
                "the console to be " + quotedTail(expected),
                console);
    }

    static Optional<String> notContaining(String console, String expected) {
        return unless(
                withoutCarriageReturns(console).contains(withoutCarriageReturns(expected)),
                "the console to contain " + quotedTail(expected),
                console);
    }

    static Optional<String> notMatching(String console, Pattern expected) {
        try {
            return unless(
                    new PatternSearch(expected, withoutCarriageReturns(console)).find(),
                    "the console to match /" + expected.pattern() + "/",
                    console);
        } catch (PatternSearch.GivenUpException e) {
            return Optional.of(e.getMessage());
        }
    }

    private static Optional<String> unless(boolean holds, String expected, String console) {
        return holds ? Optional.empty() : Optional.of("expected " + expected + ", but it is " + quotedTail(console));
    }

    private static String quotedTail(String text) {
        return quoted(tail(text));
    }
}
