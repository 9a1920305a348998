package dev.kvmguest.vmm.internal.emulator.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.kvmguest.vmm.internal.emulator.conformance.ConformanceMachine.Result;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * Executes single instructions, in real mode, that a real 80286 was watched executing (the SingleStepTests project's
 * 80286 tests, version 1.0.0): a test per instruction form. What a later processor does otherwise, and which flags the
 * manual leaves undefined, is in {@code conformance/80286-differences.txt}, and nowhere else.
 */
@EnabledIf(
        value = "dev.kvmguest.vmm.internal.emulator.conformance.ConformanceData#isHere",
        disabledReason = "there are no 80286 conformance tests in ../shared/conformance, nor where the system property"
                + " kvmguest.conformance says")
class Conformance80286Tests {

    private static final String DIFFERENCES = "/conformance/80286-differences.txt";
    private static final int DIVERGENCES_SHOWN = 5;

    private final List<Difference> differences = Difference.parse(lines(DIFFERENCES));
    private final ConformanceMachine machine = new ConformanceMachine();
    private int total;
    private int equal;
    private int equalButForFlags;
    private int different;

    @AfterEach
    void closeMachine() {
        machine.close();
    }

    @TestFactory
    Stream<DynamicTest> instructions() {
        Stream<DynamicTest> forms =
                ConformanceData.forms().stream().map(form -> dynamicTest(form, () -> behavesAsThe80286(form)));
        return Stream.concat(
                forms,
                Stream.of(
                        dynamicTest("every case was executed", this::everyCaseWasExecuted),
                        dynamicTest("every listed difference is one", this::everyListedDifferenceIsOne)));
    }

    private void behavesAsThe80286(String form) {
        List<String> divergences = new ArrayList<>();
        for (ConformanceCase test : ConformanceData.cases(form)) {
            total++;
            Result result = machine.run(test);
            Comparison comparison = Comparison.of(test, result);
            if (!isExpected(test, comparison, result)) {
                divergences.add(comparison.describe(test, result));
            }
        }
        int stray = machine.strayByte();
        if (stray >= 0) {
            machine.clear();
        }
        if (!divergences.isEmpty()) {
            fail(divergences.size() + " cases differ, the first:\n    "
                    + String.join("\n    ", divergences.subList(0, Math.min(DIVERGENCES_SHOWN, divergences.size()))));
        }
        assertThat(stray)
                .as("address of a byte that a case wrote to and the 80286 did not")
                .isEqualTo(-1);
    }

    private boolean isExpected(ConformanceCase test, Comparison comparison, Result result) {
        if (comparison.isEqual()) {
            equal++;
            return true;
        }
        for (Difference difference : differences) {
            if (!difference.isOfFlags() && difference.covers(test) && difference.isWhatHappened(test, result)) {
                difference.use(test);
                different++;
                machine.clearAfter(difference, result);
                return true;
            }
        }
        List<Difference> needed = differences.stream()
                .filter(difference -> (difference.flags() & comparison.flags()) != 0 && difference.covers(test))
                .toList();
        int undefined = needed.stream().mapToInt(Difference::flags).reduce(0, (a, b) -> a | b);
        if (!comparison.others().isEmpty() || (comparison.flags() & ~undefined) != 0) {
            return false;
        }
        needed.forEach(difference -> difference.use(test));
        equalButForFlags++;
        return true;
    }

    private void everyCaseWasExecuted() {
        System.out.printf(
                "80286 conformance: %d cases; %d alike, %d alike but for flags that the manual leaves undefined,"
                        + " %d different on later processors%n",
                total, equal, equalButForFlags, different);
        differences.stream()
                .filter(difference -> !difference.isOfFlags())
                .forEach(difference -> System.out.printf("%6d %s%n", difference.cases(), difference.reason()));
        assertThat(equal + equalButForFlags + different).isEqualTo(total).isEqualTo(65_000);
    }

    private void everyListedDifferenceIsOne() {
        assertThat(differences)
                .allSatisfy(difference -> assertThat(difference.unusedForms()).isEmpty());
    }

    private static List<String> lines(String resource) {
        try (InputStream in = Conformance80286Tests.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
