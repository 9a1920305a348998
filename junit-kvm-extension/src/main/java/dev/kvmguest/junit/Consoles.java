package dev.kvmguest.junit;

import java.util.Optional;
import java.util.regex.Pattern;

/** Compares a console's text with what is expected; each method returns what differs, or empty. CR LF counts as LF. */
final class Consoles {

    private static final int SHOWN = 400;

    private Consoles() {}

    static Optional<String> notEqual(String console, String expected) {
        return unless(
                withoutCarriageReturns(console).equals(withoutCarriageReturns(expected)),
                "the console to be " + quoted(expected),
                console);
    }

    static Optional<String> notContaining(String console, String expected) {
        return unless(
                withoutCarriageReturns(console).contains(withoutCarriageReturns(expected)),
                "the console to contain " + quoted(expected),
                console);
    }

    static Optional<String> notMatching(String console, Pattern expected) {
        return unless(
                expected.matcher(withoutCarriageReturns(console)).find(),
                "the console to match /" + expected.pattern() + "/",
                console);
    }

    private static Optional<String> unless(boolean holds, String expected, String console) {
        return holds ? Optional.empty() : Optional.of("expected " + expected + ", but it is " + quoted(console));
    }

    private static String withoutCarriageReturns(String text) {
        return text.replace("\r\n", "\n");
    }

    private static String quoted(String text) {
        String end = text.length() <= SHOWN ? text : "..." + text.substring(text.length() - SHOWN);
        return '"' + end.replace("\r", "\\r").replace("\n", "\\n") + '"';
    }
}
