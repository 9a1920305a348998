package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FaultAssertTests {

    private static final Outcome NAMED =
            Runs.tripleFault(Optional.of("memset+0x1f"), Optional.of("src/kernel/common.c:6"));
    private static final Outcome BARE = Runs.tripleFault(Optional.empty(), Optional.empty());

    static Stream<Arguments> passing() {
        return Stream.of(
                of("beganWith", a -> a.beganWith("#UD").beganWith("#ud")),
                of("hasChain", a -> a.hasChain("#UD", "#GP", "#DF")),
                of("isIn a function", a -> a.isIn("memset")),
                of("isIn, to the byte", a -> a.isIn("memset+0x1f")),
                of("isOnLine", a -> a.isOnLine("src/kernel/common.c:6")),
                of("isOnLine, without folders", a -> a.isOnLine("common.c:6").isOnLine("kernel/common.c:6")),
                of("isAt", a -> a.isAt(0x8000_1d3fL).isAt(0x8000_1d3f)));
    }

    static Stream<Arguments> failing() {
        return Stream.of(
                of(a -> a.beganWith("#PF"), NAMED, "expected the fault to begin with #PF, but it began with #UD"),
                of(
                        a -> a.beganWith("vector 32"),
                        NAMED,
                        "expected the fault to begin with vector 32, but it began with #UD"),
                of(
                        a -> a.hasChain("#UD", "#DF"),
                        NAMED,
                        "expected the fault to be #UD -> #DF, but it was #UD -> #GP -> #DF"),
                of(a -> a.isIn("mem"), NAMED, "expected the fault to begin in mem, but it began in memset+0x1f"),
                of(
                        a -> a.isIn("memset+0x1"),
                        NAMED,
                        "expected the fault to begin in memset+0x1, but it began in memset+0x1f"),
                of(
                        a -> a.isIn("memset"),
                        BARE,
                        "expected the fault to begin in memset, but it began where the image has no symbol"),
                of(
                        a -> a.isOnLine("n.c:6"),
                        NAMED,
                        "expected the fault to begin on line n.c:6, but it began on line src/kernel/common.c:6"),
                of(
                        a -> a.isOnLine("common.c:6"),
                        BARE,
                        "expected the fault to begin on line common.c:6, but it began where the image has no line"),
                of(
                        a -> a.isAt(0x8000_1d40),
                        NAMED,
                        "expected the fault to begin at 0x80001d40, but it began at 0x80001d3f"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("passing")
    void passes(String name, Consumer<FaultAssert> assertion) {
        assertThatCode(() -> assertion.accept(assertThat(NAMED).fault())).doesNotThrowAnyException();
    }

    @ParameterizedTest(name = "{2}")
    @MethodSource("failing")
    void failsWithTheWholeStory(Consumer<FaultAssert> assertion, Outcome outcome, String mismatch) {
        assertThatThrownBy(() -> assertion.accept(assertThat(outcome).fault()))
                .isInstanceOf(AssertionError.class)
                .hasMessage(mismatch + "\n" + TextReport.brief(outcome));
    }

    @Test
    void exceptionThatThereIsNoneOfIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(NAMED).fault().beganWith("#XX"))
                .withMessage("exception \"#XX\" is unknown; use one of #DE, #DB, NMI, #BP, #OF, #BR, #UD, #NM, #DF,"
                        + " vector 9, #TS, #NP, #SS, #GP, #PF, vector 15, #MF, #AC, #MC, #XM, or vector 20 to vector"
                        + " 255");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(NAMED).fault().hasChain("#UD", "vector 256"));
    }

    @Test
    void whoAssertsTheFaultMeansThisEnd() {
        AssertedEnds.watch(NAMED);
        try {
            assertThat(NAMED).fault();

            assertThat(AssertedEnds.wasAsserted(NAMED)).isTrue();
        } finally {
            AssertedEnds.forget(NAMED);
        }
    }

    @Test
    void descriptionOfTheOutcomeComesFirst() {
        assertThatThrownBy(() -> assertThat(NAMED).as("boot").fault().beganWith("#PF"))
                .hasMessageStartingWith("[boot] expected the fault to begin with #PF");
    }

    private static Arguments of(String name, Consumer<FaultAssert> assertion) {
        return Arguments.of(name, assertion);
    }

    private static Arguments of(Consumer<FaultAssert> assertion, Outcome outcome, String mismatch) {
        return Arguments.of(assertion, outcome, mismatch);
    }

    @Test
    void aSymbolThatTheImageDoesNotHaveIsNamedWithThoseThatMayBeMeant() {
        Outcome known = new Outcome.TripleFault(Runs.knowing(NAMED.run(), Set.of("memset", "main")));

        assertThatThrownBy(() -> assertThat(known).fault().isIn("memsett"))
                .hasMessageStartingWith(
                        "expected the fault to begin in memsett (the image guest.bin has no symbol"
                                + " memsett; the compiler may have inlined it; did you mean memset?), but it began in memset+0x1f");
    }
}
