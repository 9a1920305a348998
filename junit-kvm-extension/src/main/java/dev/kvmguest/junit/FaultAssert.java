package dev.kvmguest.junit;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.Notation;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.assertj.core.api.AbstractAssert;

/**
 * Assertions on what led to a triple fault. Every failure shows the run. Exceptions have the names of the Intel SDM,
 * such as {@code #UD}, {@code NMI} or {@code vector 32}.
 *
 * <pre>{@code
 * assertThat(outcome).fault().beganWith("#UD").isIn("memset").hasChain("#UD", "#GP", "#DF");
 * }</pre>
 */
public class FaultAssert extends AbstractAssert<FaultAssert, Fault> {

    private Optional<Outcome> outcome = Optional.empty();

    /** Starts assertions on what led to a triple fault. AssertJ needs this constructor for soft assertions. */
    public FaultAssert(Fault actual) {
        super(actual, FaultAssert.class);
    }

    /** Makes failures show the run. */
    final FaultAssert of(Outcome run) {
        outcome = Optional.of(run);
        return this;
    }

    /**
     * Verifies which exception was the first.
     *
     * @throws IllegalArgumentException if no exception has this name
     */
    public FaultAssert beganWith(String exception) {
        int vector = Event.parseVector(exception);
        return check(
                fault -> fault.first().name().equals(Event.name(vector)),
                "begin with " + Event.name(vector),
                fault -> "began with " + fault.first().name());
    }

    /**
     * Verifies which exceptions arose, in order, each in delivering the one before.
     *
     * @throws IllegalArgumentException if no exception has one of these names
     */
    public FaultAssert hasChain(String... exceptions) {
        List<String> expected = Arrays.stream(exceptions)
                .map(exception -> Event.name(Event.parseVector(exception)))
                .toList();
        return check(
                fault -> names(fault).equals(expected), "be " + chain(expected), fault -> "was " + chain(names(fault)));
    }

    /**
     * Verifies in which function the first exception arose, such as {@code memset}, or where exactly, such as
     * {@code memset+0x1f}.
     */
    public FaultAssert isIn(String symbol) {
        return check(
                fault -> fault.at().symbol().filter(name -> isIn(name, symbol)).isPresent(),
                "begin in " + symbol
                        + outcome.map(run -> Symbols.ifUnknown(symbol, run)).orElse(""),
                fault -> fault.at()
                        .symbol()
                        .map(name -> "began in " + name)
                        .orElse("began where the image has no symbol"));
    }

    /**
     * Verifies on which line the first exception arose, such as {@code memory.c:40}; the file's folders may be left
     * out.
     */
    public FaultAssert isOnLine(String source) {
        return check(
                fault -> fault.at()
                        .source()
                        .filter(line -> line.equals(source) || line.endsWith("/" + source))
                        .isPresent(),
                "begin on line " + source,
                fault -> fault.at()
                        .source()
                        .map(line -> "began on line " + line)
                        .orElse("began where the image has no line"));
    }

    /**
     * Verifies EIP or RIP at the first exception. If that is below 4 GiB, the upper half of {@code eip} is ignored, so
     * {@code 0x80001000} can be written as an {@code int}.
     */
    public FaultAssert isAt(long eip) {
        long lower = eip & 0xffff_ffffL;
        boolean isHigh = actual != null && Long.compareUnsigned(actual.at().eip(), 0xffff_ffffL) > 0;
        long expected = isHigh ? eip : lower;
        return check(
                fault -> fault.at().eip() == expected,
                "begin at " + Notation.hex(expected),
                fault -> "began at " + Notation.hex(fault.at().eip()));
    }

    /** Returns whether a place, such as {@code memset+0x1f}, is this place, or in this function. */
    static boolean isIn(String place, String symbol) {
        return place.equals(symbol) || place.startsWith(symbol + "+");
    }

    private FaultAssert check(Predicate<Fault> expectation, String expected, Function<Fault, String> found) {
        if (actual == null && outcome.isPresent()) {
            // Soft assertions: that there is no fault has been collected already.
            return this;
        }
        isNotNull();
        if (!expectation.test(actual)) {
            String mismatch = "expected the fault to " + expected + ", but it " + found.apply(actual);
            failWithMessage(
                    "%s", outcome.map(run -> Failures.message(mismatch, run)).orElse(mismatch));
        }
        return this;
    }

    private static List<String> names(Fault fault) {
        return fault.chain().stream().map(Event::name).toList();
    }

    private static String chain(List<String> names) {
        return names.stream().collect(Collectors.joining(" -> "));
    }
}
