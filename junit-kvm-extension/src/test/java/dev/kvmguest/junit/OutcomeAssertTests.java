package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.AssertionFailedError;

class OutcomeAssertTests {

    private static final Outcome HALTED = Runs.halted("Hello\r\nworld\n");
    private static final Outcome WAITING = new Outcome.Halted(true, Runs.run(""));
    private static final Outcome EXIT_3 = new Outcome.DebugExit(3, Runs.run(""));
    private static final Outcome HYPERCALL = new Outcome.HypercallExit(Runs.run(""));
    private static final Outcome NO_HANDLER = new Outcome.UnhandledException("#UD", Runs.run("half"));
    private static final Outcome TRIPLE_FAULT = new Outcome.TripleFault(Runs.run("100 % sure"));
    private static final Outcome FAULT = Runs.tripleFault(Optional.empty(), Optional.empty());
    private static final Outcome RESET = new Outcome.Reset("port 0x64", Runs.run(""));
    private static final Outcome TIMED_OUT = new Outcome.TimedOut(Duration.ofMillis(100), Runs.run(""));
    private static final Outcome SPINNING =
            new Outcome.TimedOut(Duration.ofMillis(100), Runs.stoodIn("main+0x3", "wait_key+0x8"));
    private static final Outcome UNSUPPORTED =
            new Outcome.Unsupported("no SSE", new byte[] {0x66, 0x0f, 0x6e}, Runs.run(""));
    private static final Outcome ENGINE_ERROR = new Outcome.EngineError("no memory", Runs.run(""));
    private static final Outcome STOPPED = new Outcome.Stopped(Runs.run(""));
    private static final Outcome STRAY =
            new Outcome.Halted(false, Runs.run("", Optional.empty(), List.of(0xe0, 0x510)));

    static Stream<Arguments> assertions() {
        return Stream.of(
                of(
                        "halted",
                        OutcomeAssert::halted,
                        HALTED,
                        WAITING,
                        "expected the guest to halt with interrupts off, but it halted with interrupts on, and no device can raise one"),
                of(
                        "waitsForInterrupt",
                        OutcomeAssert::waitsForInterrupt,
                        WAITING,
                        HALTED,
                        "expected the guest to halt with interrupts on and wait in vain, but it halted with interrupts off"),
                of(
                        "debugExited",
                        a -> a.debugExited(3),
                        EXIT_3,
                        HYPERCALL,
                        "expected the guest to leave by the debug-exit port with 3, but it left by the hypercall port"),
                of(
                        "debugExited, other value",
                        a -> a.debugExited(3),
                        EXIT_3,
                        new Outcome.DebugExit(4, Runs.run("")),
                        "expected the guest to leave by the debug-exit port with 3, but it left by the debug-exit port with 4"),
                of(
                        "hypercallExited",
                        OutcomeAssert::hypercallExited,
                        HYPERCALL,
                        EXIT_3,
                        "expected the guest to leave by the hypercall port, but it left by the debug-exit port with 3"),
                of(
                        "exitedWith",
                        a -> a.exitedWith(0),
                        HYPERCALL,
                        HALTED,
                        "expected the guest to exit with code 0, but it halted with interrupts off"),
                of(
                        "endedNormally",
                        OutcomeAssert::endedNormally,
                        EXIT_3,
                        TRIPLE_FAULT,
                        "expected the guest to end normally, but it triple-faulted"),
                of(
                        "endedNormallyWithoutPanic",
                        OutcomeAssert::endedNormallyWithoutPanic,
                        new Outcome.Halted(false, Runs.stoodIn("main+0x8")),
                        new Outcome.Halted(false, Runs.stoodIn("kernel_panic+0x8")),
                        "expected the guest to end normally and without a panic, but it halted with interrupts off: the guest halted in kernel_panic, which counts as a normal end and looks like a panic; a kernel that has failed can say so by writing a status other than 0 to the debug-exit port 0xf4"),
                of(
                        "endedNormallyWithoutPanic, no normal end",
                        OutcomeAssert::endedNormallyWithoutPanic,
                        EXIT_3,
                        TRIPLE_FAULT,
                        "expected the guest to end normally and without a panic, but it triple-faulted"),
                of(
                        "hadNoHandler",
                        OutcomeAssert::hadNoHandler,
                        NO_HANDLER,
                        TRIPLE_FAULT,
                        "expected the guest to die of an exception without a handler, but it triple-faulted"),
                of(
                        "tripleFaulted",
                        OutcomeAssert::tripleFaulted,
                        TRIPLE_FAULT,
                        HALTED,
                        "expected the guest to triple-fault, but it halted with interrupts off"),
                of(
                        "reset",
                        OutcomeAssert::reset,
                        RESET,
                        TRIPLE_FAULT,
                        "expected the guest to be reset, but it triple-faulted"),
                of(
                        "timedOut",
                        OutcomeAssert::timedOut,
                        TIMED_OUT,
                        RESET,
                        "expected the guest to still run at its time limit, but it was reset: port 0x64"),
                of(
                        "spinsIn",
                        a -> a.spinsIn("wait_key"),
                        SPINNING,
                        new Outcome.TimedOut(Duration.ofMillis(100), Runs.stoodIn("main+0x3", "wait_keys")),
                        "expected the guest to spin in wait_key, but it was found in main+0x3, wait_keys"),
                of(
                        "spinsIn, no hang",
                        a -> a.spinsIn("wait_key"),
                        SPINNING,
                        RESET,
                        "expected the guest to still run at its time limit, but it was reset: port 0x64"),
                of(
                        "haltedIn",
                        a -> a.haltedIn("panic"),
                        new Outcome.Halted(false, Runs.stoodIn("panic+0x4")),
                        new Outcome.Halted(false, Runs.stoodIn("main+0x10")),
                        "expected the guest to halt in panic, but it halted in main+0x10"),
                of(
                        "haltedIn, no symbols",
                        a -> a.haltedIn("panic+0x4"),
                        new Outcome.Halted(true, Runs.stoodIn("panic+0x4")),
                        HALTED,
                        "expected the guest to halt in panic+0x4, but it halted in code without symbols"),
                of(
                        "haltedIn, no halt",
                        a -> a.haltedIn("panic"),
                        new Outcome.Halted(false, Runs.stoodIn("panic")),
                        HYPERCALL,
                        "expected the guest to halt, but it left by the hypercall port"),
                of(
                        "unsupported",
                        OutcomeAssert::unsupported,
                        UNSUPPORTED,
                        TIMED_OUT,
                        "expected the guest to meet an instruction that the engine does not support, but it was still running at its time limit of 100 ms"),
                of(
                        "engineFailed",
                        OutcomeAssert::engineFailed,
                        ENGINE_ERROR,
                        UNSUPPORTED,
                        "expected the guest to be ended by a failure of the engine, but it met an instruction that the engine does not support, 66 0f 6e: no SSE"),
                of(
                        "stopped",
                        OutcomeAssert::stopped,
                        STOPPED,
                        ENGINE_ERROR,
                        "expected the guest to be stopped while it was running, but it was ended by a failure of the engine: no memory"),
                of(
                        "hasConsole",
                        a -> a.hasConsole("Hello\nworld\n"),
                        HALTED,
                        TRIPLE_FAULT,
                        "expected the console to be \"Hello\\nworld\\n\", but it is \"100 % sure\""),
                of(
                        "consoleContains",
                        a -> a.consoleContains("lo\nwo"),
                        HALTED,
                        TRIPLE_FAULT,
                        "expected the console to contain \"lo\\nwo\", but it is \"100 % sure\""),
                of(
                        "consoleMatches",
                        a -> a.consoleMatches("H.*o\n"),
                        HALTED,
                        TRIPLE_FAULT,
                        "expected the console to match /H.*o\n/, but it is \"100 % sure\""),
                of(
                        "wrotePort",
                        a -> a.wrotePort(0x80, 0x55, 0xaa),
                        HALTED,
                        HALTED,
                        a -> a.wrotePort(0x80, 0x55),
                        "expected the guest to write 55 to port 0x80, but it wrote 55 aa"),
                of(
                        "wrotePort, nothing",
                        a -> a.wrotePort(0x81),
                        HALTED,
                        HALTED,
                        a -> a.wrotePort(0x81, 1),
                        "expected the guest to write 01 to port 0x81, but it wrote nothing"),
                of(
                        "tookExceptions",
                        a -> a.tookExceptions("#UD", "#pf"),
                        Runs.took(6, 14),
                        Runs.took(6),
                        "expected the guest to take #UD, #PF, but it took #UD"),
                of(
                        "tookExceptions, none",
                        OutcomeAssert::tookExceptions,
                        Runs.took(),
                        Runs.took(14, 14),
                        "expected the guest to take no exception, but it took #PF, #PF"),
                of(
                        "tookExceptions, not watched",
                        a -> a.tookExceptions("#UD"),
                        Runs.took(6),
                        HALTED,
                        "expected the guest to take #UD, but exceptions were not watched; set watchExceptions = true where the guest is declared"),
                of(
                        "tookExceptions, not repeated",
                        a -> a.tookExceptions("#UD"),
                        Runs.took(6),
                        Runs.diverged("the engines diverge"),
                        "expected the guest to take #UD, but it is not known which: the engines diverge"),
                of(
                        "hasNoUnclaimedPorts",
                        OutcomeAssert::hasNoUnclaimedPorts,
                        HALTED,
                        STRAY,
                        "the guest used ports that no device has: 0xe0, 0x510"),
                of(
                        "ranOn",
                        a -> a.ranOn("kvm"),
                        HALTED,
                        HALTED,
                        a -> a.ranOn("emulator"),
                        "expected the guest to run on emulator, but it ran on kvm (asked for)"),
                of(
                        "fault",
                        OutcomeAssert::fault,
                        FAULT,
                        HALTED,
                        "expected the guest to triple-fault, but it halted with interrupts off"),
                of(
                        "fault, unknown",
                        OutcomeAssert::fault,
                        FAULT,
                        TRIPLE_FAULT,
                        "expected it to be known what led to the triple fault, but it isn't"),
                of(
                        "hasRegister",
                        a -> a.hasRegister(Register.RAX, 0x1234),
                        HALTED,
                        HALTED,
                        a -> a.hasRegister(Register.RAX, 0x8000_0000),
                        "expected eax to be 0x80000000, but it is 0x1234"),
                of(
                        "hasRegister, lost",
                        a -> a.hasRegister(Register.RIP, 0x1003),
                        HALTED,
                        STRAY,
                        "expected eip to be 0x1003, but the engine has lost the registers"));
    }

    private static Arguments of(
            String name, Consumer<OutcomeAssert> assertion, Outcome passing, Outcome failing, String mismatch) {
        return of(name, assertion, passing, failing, assertion, mismatch);
    }

    private static Arguments of(
            String name,
            Consumer<OutcomeAssert> passingAssertion,
            Outcome passing,
            Outcome failing,
            Consumer<OutcomeAssert> failingAssertion,
            String mismatch) {
        return Arguments.of(name, passingAssertion, passing, failing, failingAssertion, mismatch);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("assertions")
    void passes(String name, Consumer<OutcomeAssert> assertion, Outcome passing) {
        assertThatCode(() -> assertion.accept(assertThat(passing))).doesNotThrowAnyException();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("assertions")
    void failsWithTheWholeStory(
            String name,
            Consumer<OutcomeAssert> passingAssertion,
            Outcome passing,
            Outcome failing,
            Consumer<OutcomeAssert> assertion,
            String mismatch) {
        assertThatThrownBy(() -> assertion.accept(assertThat(failing)))
                .isInstanceOf(AssertionError.class)
                .hasMessage(mismatch + "\n" + TextReport.brief(failing));
    }

    @Test
    void aDescriptionComesFirst() {
        assertThatThrownBy(() -> assertThat(HALTED).as("menu").tripleFaulted())
                .hasMessageStartingWith("[menu] expected the guest to triple-fault");
    }

    @Test
    void noOutcomeIsAFailureToo() {
        assertThatThrownBy(() -> assertThat((Outcome) null).halted()).isInstanceOf(AssertionError.class);
    }

    @Test
    void anExceptionThatDoesNotExistIsRefusedByName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(HALTED).tookExceptions("#XX"))
                .withMessageStartingWith("exception \"#XX\" is unknown; use one of #DE, #DB");
    }

    @Test
    void aPortTakesBytesOnly() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(HALTED).wrotePort(0x80, 0x100))
                .withMessage("byte 256 is not between 0 and 255");
    }

    @ParameterizedTest
    @CsvSource({"65536, 0x10000", "-1, -1"})
    void aPortIsANumberOf16Bits(int port, String words) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(HALTED).wrotePort(port, 1))
                .withMessage("port " + words + " is not between 0 and 0xffff");
    }

    @Test
    void aSymbolThatTheImageDoesNotHaveIsNamedWithThoseThatMayBeMeant() {
        Outcome halted =
                new Outcome.Halted(false, Runs.knowing(Runs.stoodIn("main+0x10"), Set.of("main", "panic", "print")));

        assertThatThrownBy(() -> assertThat(halted).haltedIn("panik+0x4"))
                .hasMessageStartingWith("expected the guest to halt in panik+0x4 (the image guest.bin has no symbol"
                        + " panik; the compiler may have inlined it; did you mean panic?), but it halted in main+0x10");
        assertThatThrownBy(() -> assertThat(halted).haltedIn("panic"))
                .hasMessageStartingWith("expected the guest to halt in panic, but it halted in main+0x10");
    }

    @Test
    void aLongConsoleIsShownByItsEnd() {
        Outcome outcome = Runs.halted("x".repeat(1000) + "end");

        assertThatThrownBy(() -> assertThat(outcome).hasConsole(""))
                .hasMessageStartingWith(
                        "expected the console to be \"\", but it is \"..." + "x".repeat(397) + "end\"\n");
    }

    @Test
    void developmentEnvironmentsGetBothTextsToCompare() {
        assertThat(difference(() -> assertThat(HALTED).hasConsole("Hello\n")))
                .containsExactly("Hello\n", "Hello\r\nworld\n");
        assertThat(difference(() -> assertThat(HALTED).consoleContains("Hallo")))
                .containsExactly("Hallo", "Hello\r\nworld\n");
        assertThat(difference(() -> assertThat(HALTED).consoleMatches("H.llo!")))
                .containsExactly("H.llo!", "Hello\r\nworld\n");
        assertThat(difference(() ->
                        assertThat(Screens.of(OptionalInt.empty(), "Hello")).hasLine(0, "Hallo")))
                .containsExactly("Hallo", "Hello");
    }

    @Test
    void searchForAPatternThatTakesTooLongIsAFailureWithTheReport() {
        Outcome outcome = Runs.halted("a".repeat(60));

        assertThatThrownBy(() -> assertThat(outcome).consoleMatches("(.*a){30}b"))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith(
                        "the search for /(.*a){30}b/ in 60 characters was given up after " + Fixture.stretched(1000))
                .hasMessageEndingWith(TextReport.brief(outcome));
    }

    private static List<Object> difference(ThrowingCallable assertion) {
        Throwable thrown = catchThrowable(assertion);
        assertThat(thrown).isInstanceOf(AssertionFailedError.class);
        AssertionFailedError failure = (AssertionFailedError) thrown;
        return List.of(failure.getExpected().getValue(), failure.getActual().getValue());
    }

    @Test
    void onlyAnEndThatWasAssertedCountsAsMeant() {
        Outcome outcome = new Outcome.TripleFault(Runs.run(""));
        AssertedEnds.watch(outcome);
        try {
            assertThat(outcome).hasConsole("").ranOn("kvm");
            assertThat(AssertedEnds.wasAsserted(outcome)).isFalse();

            assertThat(outcome).tripleFaulted();
            assertThat(AssertedEnds.wasAsserted(outcome)).isTrue();
        } finally {
            AssertedEnds.forget(outcome);
        }
    }

    @ParameterizedTest
    @MethodSource("ends")
    void aVerdictSaysHowToAssertTheEndItFound(Outcome outcome, String assertion) {
        assertThat(Failures.howToAssert(outcome))
                .isEqualTo("if the test means this end: GuestAssertions.assertThat(outcome)." + assertion);
    }

    static Stream<Arguments> ends() {
        return Stream.of(
                Arguments.of(HALTED, "halted()"),
                Arguments.of(WAITING, "waitsForInterrupt()"),
                Arguments.of(EXIT_3, "debugExited(3)"),
                Arguments.of(HYPERCALL, "hypercallExited()"),
                Arguments.of(TRIPLE_FAULT, "tripleFaulted()"),
                Arguments.of(NO_HANDLER, "hadNoHandler()"),
                Arguments.of(RESET, "reset()"),
                Arguments.of(TIMED_OUT, "timedOut()"),
                Arguments.of(UNSUPPORTED, "unsupported()"),
                Arguments.of(ENGINE_ERROR, "engineFailed()"),
                Arguments.of(STOPPED, "stopped()"));
    }
}
