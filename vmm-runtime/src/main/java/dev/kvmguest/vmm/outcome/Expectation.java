package dev.kvmguest.vmm.outcome;

import static dev.kvmguest.vmm.text.ConsoleText.quoted;
import static dev.kvmguest.vmm.text.ConsoleText.tail;
import static dev.kvmguest.vmm.text.ConsoleText.withoutCarriageReturns;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.text.Notation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What is expected of a run; both front ends compare an {@link Outcome} with it. By default the run must end normally
 * with exit code 0, and not look like a panic. If the guest was asked to run a test, the test must have passed.
 */
public final class Expectation {

    private final Optional<String> console;
    private final Optional<Pattern> pattern;
    private final Optional<String> screen;
    private final Map<Integer, byte[]> ports;
    private final Optional<Outcome.Kind> outcome;
    private final OptionalInt exception;
    private final OptionalInt exitCode;
    private final boolean anyExitCode;
    private final boolean anyEnd;
    private final boolean strictPorts;
    private final Optional<Pattern> panics;

    private Expectation(Builder builder) {
        console = Optional.ofNullable(builder.console);
        pattern = Optional.ofNullable(builder.pattern);
        screen = Optional.ofNullable(builder.screen);
        ports = new TreeMap<>(builder.ports);
        outcome = Optional.ofNullable(builder.outcome);
        exception = builder.exception;
        exitCode = builder.exitCode;
        anyExitCode = builder.anyExitCode;
        anyEnd = builder.anyEnd;
        strictPorts = builder.strictPorts;
        panics = Optional.ofNullable(builder.panics);
    }

    /** Returns a builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Compares a run with this expectation, as {@link #compare(Outcome)} does.
     *
     * @return what differs, a sentence each, starting with the test that the guest was asked to run and the end of the
     *     run; empty if nothing differs
     */
    public List<String> mismatches(Outcome actual) {
        return compare(actual).stream().map(Mismatch::sentence).toList();
    }

    /**
     * Compares a run with this expectation.
     *
     * @return what differs, starting with the test that the guest was asked to run and the end of the run; empty if
     *     nothing differs
     */
    public List<Mismatch> compare(Outcome actual) {
        return compare(actual, List.of());
    }

    /**
     * Compares likewise.
     *
     * @param seen what the test has found on the console and expected there; a panic that is part of it is meant
     */
    public List<Mismatch> compare(Outcome actual, List<Pattern> seen) {
        List<Mismatch> mismatches = new ArrayList<>();
        compareTest(actual, mismatches);
        String written = withoutCarriageReturns(actual.console());
        console.ifPresent(expected -> {
            if (!written.contains(withoutCarriageReturns(expected))) {
                mismatches.add(onConsole("contain " + quoted(expected), "it has " + quoted(tail(written))));
            }
        });
        pattern.ifPresent(expected -> {
            try {
                if (!new PatternSearch(expected, written).find()) {
                    mismatches.add(onConsole("match /" + expected.pattern() + "/", "it has " + quoted(tail(written))));
                }
            } catch (PatternSearch.GivenUpException e) {
                mismatches.add(new Mismatch(
                        "the console to match /" + expected.pattern() + "/", e.getMessage(), e.getMessage()));
            }
        });
        screen.ifPresent(expected -> {
            if (!actual.screen().text().contains(withoutCarriageReturns(expected))) {
                String found = actual.screen().hasText()
                        ? "it has " + quoted(tail(actual.screen().text()))
                        : actual.screen()
                                .framebuffer()
                                .map(picture -> "it shows " + picture + " and has no text")
                                .orElse("it is blank");
                mismatches.add(new Mismatch(
                        "the screen to contain " + quoted(expected),
                        found,
                        "the screen does not contain " + quoted(expected) + "; " + found));
            }
        });
        ports.forEach((port, expected) -> {
            byte[] sent = actual.run().port(port);
            if (!Arrays.equals(expected, sent)) {
                mismatches.add(new Mismatch(
                        "port " + Notation.hex(port) + " to be sent " + bytes(expected),
                        "it was sent " + bytes(sent),
                        "port " + Notation.hex(port) + " was expected to be sent " + bytes(expected) + " and was sent "
                                + bytes(sent)));
            }
        });
        if (strictPorts) {
            unclaimedPorts(actual).ifPresent(mismatches::add);
        }
        if (mismatches.isEmpty()) {
            panic(actual, seen).ifPresent(mismatches::add);
        }
        return mismatches;
    }

    /** Returns that the end looks like a panic; empty if it doesn't, or if that is what is expected. */
    private Optional<Mismatch> panic(Outcome actual, List<Pattern> seen) {
        boolean failureIsExpected = exception.isPresent()
                || exitCode.orElse(0) != 0
                || anyExitCode && actual.exitCode().orElse(0) != 0;
        if (panics.isEmpty() || failureIsExpected || anyEnd) {
            return Optional.empty();
        }
        List<Pattern> expected = new ArrayList<>(seen);
        pattern.ifPresent(expected::add);
        console.map(text -> Pattern.compile(Pattern.quote(withoutCarriageReturns(text))))
                .ifPresent(expected::add);
        try {
            return Panics.of(actual, panics.get(), expected)
                    .map(what -> Mismatch.of("the guest to end without a panic", "it " + what));
        } catch (PatternSearch.GivenUpException e) {
            return Optional.of(new Mismatch("the guest to end without a panic", e.getMessage(), e.getMessage()));
        }
    }

    private static Mismatch onConsole(String expected, String found) {
        return new Mismatch("the console to " + expected, found, "the console does not " + expected + "; " + found);
    }

    /** Returns which ports without a device the guest used; empty if it used none. */
    public static Optional<Mismatch> unclaimedPorts(Outcome actual) {
        if (actual.run().engine().equals(EngineChoice.QEMU.id())) {
            return Optional.of(new Mismatch(
                    "the guest to use only ports that a device has",
                    "engine qemu doesn't say",
                    "engine qemu doesn't say which ports without a device the guest used; leave strictPorts out, or choose"
                            + " another engine"));
        }
        String ports = actual.run().unclaimedPorts().stream().map(Notation::hex).collect(Collectors.joining(", "));
        return ports.isEmpty()
                ? Optional.empty()
                : Optional.of(new Mismatch(
                        "the guest to use only ports that a device has",
                        "it used " + ports,
                        "the guest used ports that no device has: " + ports));
    }

    private void compareTest(Outcome actual, List<Mismatch> mismatches) {
        Optional<GuestTestResult> test = actual.run().guestTest().filter(result -> !result.passed());
        test.ifPresent(result -> mismatches.add(
                new Mismatch("test " + result.test().name() + " to pass", result.describe(), result.describe())));
        // A guest whose test failed leaves with a status that says so again.
        boolean leftForItsFailure = test.isPresent() && test.get().failure().isPresent() && actual.endedNormally();
        if (!leftForItsFailure && !anyEnd) {
            compareEnd(actual, mismatches);
        }
    }

    private void compareEnd(Outcome actual, List<Mismatch> mismatches) {
        boolean asExpected = outcome.isEmpty()
                ? exception.isPresent() ? actual.kind().isDeathByException() : actual.endedNormally()
                // Waiting for an interrupt that can't come is a hang, not the HLT at which a guest ends.
                : actual.kind() == outcome.get() && (actual.kind() != Outcome.Kind.HALTED || actual.endedNormally());
        if (!asExpected) {
            String end = outcome.or(
                            () -> exception.isPresent() ? Optional.of(Outcome.Kind.TRIPLE_FAULT) : Optional.empty())
                    .map(kind -> "end with " + kind.id())
                    .orElse("end normally");
            mismatches.add(Mismatch.of("the guest to " + end, "it " + actual.describe()));
            return;
        }
        exception.ifPresent(vector -> compareException(vector, actual, mismatches));
        OptionalInt wanted = exitCode.isEmpty() && outcome.isEmpty() && exception.isEmpty() && !anyExitCode
                ? OptionalInt.of(0)
                : exitCode;
        if (wanted.isEmpty() || actual.exitCode().equals(wanted)) {
            return;
        }
        if (actual.exitCode().isPresent()) {
            mismatches.add(Mismatch.of(
                    "exit code " + wanted.getAsInt(),
                    "it was " + actual.exitCode().getAsInt()));
        } else if (exitCode.isPresent()) {
            mismatches.add(Mismatch.of(
                    "exit code " + wanted.getAsInt(), "the guest " + actual.describe() + ", which has no exit code"));
        }
    }

    private static void compareException(int vector, Outcome actual, List<Mismatch> mismatches) {
        Optional<Event> first = actual.fault().map(Fault::first);
        if (first.isEmpty() || !first.get().name().equals(Event.name(vector))) {
            mismatches.add(Mismatch.of(
                    Event.name(vector) + " to lead to the triple fault",
                    first.map(event -> "it was " + event.name()).orElse("it is not known what did")));
        }
    }

    private static String bytes(byte[] bytes) {
        return bytes.length == 0
                ? "nothing"
                : HexFormat.ofDelimiter(" ").formatHex(bytes, 0, Math.min(bytes.length, 64))
                        + (bytes.length > 64 ? " ..." : "");
    }

    /** Collects the parts of an {@link Expectation}. */
    public static final class Builder {

        private String console;
        private Pattern pattern;
        private String screen;
        private final Map<Integer, byte[]> ports = new TreeMap<>();
        private Outcome.Kind outcome;
        private OptionalInt exception = OptionalInt.empty();
        private OptionalInt exitCode = OptionalInt.empty();
        private boolean anyExitCode;
        private boolean anyEnd;
        private boolean strictPorts;
        private Pattern panics = Panics.ON_CONSOLE;

        private Builder() {}

        /** Expects the console to contain a text; CR LF and LF count as the same. */
        public Builder console(String text) {
            console = text;
            return this;
        }

        /** Expects the console to contain a match, with LF for every CR LF. */
        public Builder pattern(Pattern regex) {
            pattern = regex;
            return this;
        }

        /** Expects the screen to show a text at the end; see {@link Screen#text} for its blanks. */
        public Builder screen(String text) {
            screen = text;
            return this;
        }

        /**
         * Expects exactly these bytes to be written to a port.
         *
         * @throws IllegalArgumentException if the port is not from 0 to 0xffff
         */
        public Builder port(int number, byte[] bytes) {
            ports.put(Notation.requirePort("port", number), bytes.clone());
            return this;
        }

        /** Expects this kind of end, with any exit code unless {@link #exitCode} says which. */
        public Builder outcome(Outcome.Kind kind) {
            outcome = kind;
            return this;
        }

        /**
         * Expects a triple fault that began with the exception of this vector, 0 to 255, or in real mode that exception
         * without a handler.
         */
        public Builder exception(int vector) {
            exception = OptionalInt.of(vector);
            return this;
        }

        /** Expects the guest to report this status. */
        public Builder exitCode(int code) {
            exitCode = OptionalInt.of(code);
            return this;
        }

        /** Accepts any exit code, if no kind of end was given. */
        public Builder anyExitCode() {
            anyExitCode = true;
            return this;
        }

        /** Accepts any end, a death and a hang too, whatever was said of it: only the rest counts. */
        public Builder anyEnd() {
            anyEnd = true;
            return this;
        }

        /** Sets whether using a port without a device is a mismatch. */
        public Builder strictPorts(boolean strict) {
            strictPorts = strict;
            return this;
        }

        /**
         * Sets what on the console says that the guest panicked, with LF for every CR LF, in place of a line such as
         * {@code PANIC: out of memory}. A normal end fails if it is found there, or if the guest halted in a function
         * called panic or the like or in an exception's handler; unless the expected console or pattern covers a part
         * of what is found, or an exit code other than 0 is expected.
         */
        public Builder panics(Pattern onConsole) {
            panics = onConsole;
            return this;
        }

        /** Accepts a normal end that looks like a panic. */
        public Builder acceptPanics() {
            panics = null;
            return this;
        }

        /**
         * Returns the expectation.
         *
         * @throws IllegalArgumentException if an exception is expected together with an end other than a triple fault
         */
        public Expectation build() {
            if (exception.isPresent() && outcome != null && !outcome.isDeathByException()) {
                throw new IllegalArgumentException("exception " + Event.name(exception.getAsInt())
                        + " is expected to lead to a triple fault, and the end to be " + outcome.id()
                        + "; leave one of the two out");
            }
            return new Expectation(this);
        }
    }
}
