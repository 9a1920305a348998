package dev.kvmguest.vmm.outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.GuestRuns;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class OutcomeTests {

    private static final GuestRun RUN = GuestRuns.withConsole("Hello");
    private static final OptionalInt NONE = OptionalInt.empty();

    static Stream<Arguments> outcomes() {
        byte[] movd = {0x66, 0x0f, 0x6e, 0x44};
        return Stream.of(
                arguments(new Outcome.Halted(false, RUN), "halted", NONE, true, "halted with interrupts off"),
                arguments(
                        new Outcome.Halted(true, RUN),
                        "halted",
                        NONE,
                        false,
                        "halted with interrupts on, and no device can raise one"),
                arguments(
                        new Outcome.DebugExit(-3, RUN),
                        "debug-exit",
                        OptionalInt.of(-3),
                        true,
                        "left by the debug-exit port with -3"),
                arguments(
                        new Outcome.HypercallExit(RUN),
                        "hypercall-exit",
                        OptionalInt.of(0),
                        true,
                        "left by the hypercall port"),
                arguments(new Outcome.TripleFault(RUN), "triple-fault", NONE, false, "triple-faulted"),
                arguments(new Outcome.Reset("by 0x92", RUN), "reset", NONE, false, "was reset: by 0x92"),
                arguments(
                        new Outcome.TimedOut(Duration.ofSeconds(2), RUN),
                        "timed-out",
                        NONE,
                        false,
                        "was still running at its time limit of 2000 ms"),
                arguments(
                        new Outcome.Unsupported("no SSE", movd, RUN),
                        "unsupported",
                        NONE,
                        false,
                        "met an instruction that the engine does not support, 66 0f 6e 44: no SSE"),
                arguments(
                        new Outcome.Unsupported("no SSE", new byte[0], RUN),
                        "unsupported",
                        NONE,
                        false,
                        "met an instruction that the engine does not support: no SSE"),
                arguments(
                        new Outcome.EngineError("EFAULT", RUN),
                        "engine-error",
                        NONE,
                        false,
                        "was ended by a failure of the engine: EFAULT"),
                arguments(new Outcome.Stopped(RUN), "stopped", NONE, false, "was stopped while it was running"));
    }

    @ParameterizedTest
    @MethodSource("outcomes")
    void outcomeSaysWhatItIs(Outcome outcome, String kind, OptionalInt code, boolean normal, String description) {
        assertThat(outcome.kind().id()).isEqualTo(kind);
        assertThat(outcome.exitCode()).isEqualTo(code);
        assertThat(outcome.endedNormally()).isEqualTo(normal);
        assertThat(outcome.describe()).isEqualTo(description);
        assertThat(outcome.run()).isSameAs(RUN);
        assertThat(outcome.console()).isEqualTo("Hello");
    }

    @ParameterizedTest
    @MethodSource("outcomes")
    void outcomeHoldsTheVeryEndThatWasRaised(Outcome outcome) {
        Outcome made = outcome.ending().of(RUN);

        assertThat(made.ending()).isSameAs(outcome.ending());
        assertThat(made).isEqualTo(outcome);
    }

    @ParameterizedTest
    @EnumSource
    void idIsWhatParseReads(Outcome.Kind kind) {
        assertThat(Outcome.Kind.parse(kind.id())).isEqualTo(kind);
    }

    @ParameterizedTest
    @CsvSource({"TRIPLE_FAULT, TRIPLE_FAULT", "' Debug-Exit ', DEBUG_EXIT"})
    void kindIsReadInAnyCase(String text, Outcome.Kind kind) {
        assertThat(Outcome.Kind.parse(text)).isEqualTo(kind);
    }

    @Test
    void unknownKindListsTheKnownOnes() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Outcome.Kind.parse("crashed"))
                .withMessage("outcome \"crashed\" is unknown; use one of halted, debug-exit, hypercall-exit,"
                        + " triple-fault, unhandled-exception, reset, timed-out, unsupported, engine-error, stopped");
    }

    @Test
    void consoleIsDecodedAsUtf8() {
        GuestRun run = GuestRuns.withConsole("\u00e4");
        run.consoleBytes()[1] = 'x';

        assertThat(run.console()).isEqualTo("\ufffdx");
    }

    @Test
    void portThatNothingWasSentToIsEmpty() {
        assertThat(RUN.port(0xe9)).isEmpty();
    }
}
