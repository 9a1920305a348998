package dev.kvmguest.junit;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.Notation;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.assertj.core.api.AbstractAssert;

/**
 * Assertions on what led to a triple fault. Every failure shows the run. Exceptions go by the names of the Intel SDM, such
 * as {@code #UD}, {@code NMI} or {@code vector 32}.
 *
 * <pre>{@code
 * assertThat(outcome).fault().beganWith("#UD").isIn("memset").hasChain("#UD", "#GP", "#DF");
 * }</pre>
 */
public final class FaultAssert extends AbstractAssert<FaultAssert, Fault> {

    private final Outcome outcome;

    FaultAssert(Fault actual, Outcome outcome) {
        super(actual, FaultAssert.class);
        this.outcome = outcome;
    }

    /**
     * Verifies which exception was the first, the one that the others followed from.
     *
     * @throws IllegalArgumentException if no exception has this name
     */
    public FaultAssert beganWith(String exception) {
        int vector = Event.parseVector(exception);
        return check(
                actual.first().name().equals(Event.name(vector)),
                "begin with " + Event.name(vector),
                "began with " + actual.first().name());
    }

    /**
     * Verifies which exceptions arose, one in delivering the other, the first one first.
     *
     * @throws IllegalArgumentException if there is none of these names
     */
    public FaultAssert hasChain(String... exceptions) {
        List<String> expected = Arrays.stream(exceptions)
                .map(exception -> Event.name(Event.parseVector(exception)))
                .toList();
        List<String> found = actual.chain().stream().map(Event::name).toList();
        return check(found.equals(expected), "be " + chain(expected), "was " + chain(found));
    }

    /** Verifies in which function the first exception arose, {@code memset}, or where exactly, {@code memset+0x1f}. */
    public FaultAssert isIn(String symbol) {
        Optional<String> found = actual.at().symbol();
        return check(
                found.filter(name -> isIn(name, symbol)).isPresent(),
                "begin in " + symbol,
                found.map(name -> "began in " + name).orElse("began where the image has no symbol"));
    }

    /**
     * Verifies on which line the first exception arose, such as {@code memory.c:40}; the file's folders may be left out.
     */
    public FaultAssert isOnLine(String source) {
        Optional<String> found = actual.at().source();
        return check(
                found.filter(line -> line.equals(source) || line.endsWith("/" + source))
                        .isPresent(),
                "begin on line " + source,
                found.map(line -> "began on line " + line).orElse("began where the image has no line"));
    }

    /**
     * Verifies EIP at the first exception; the upper half of {@code eip} doesn't count, so that {@code 0x80001000} can be
     * written as an {@code int}.
     */
    public FaultAssert isAt(long eip) {
        long expected = eip & 0xffff_ffffL;
        return check(
                actual.at().eip() == expected,
                "begin at " + Notation.hex(expected),
                "began at " + Notation.hex(actual.at().eip()));
    }

    /** Returns whether a place, such as {@code memset+0x1f}, is this one, or in this function. */
    static boolean isIn(String place, String symbol) {
        return place.equals(symbol) || place.startsWith(symbol + "+");
    }

    private FaultAssert check(boolean holds, String expected, String found) {
        if (!holds) {
            String mismatch = "expected the fault to " + expected + ", but it " + found;
            failWithMessage("%s", Failures.message(mismatch, outcome));
        }
        return this;
    }

    private static String chain(List<String> names) {
        return names.stream().collect(Collectors.joining(" -> "));
    }
}
