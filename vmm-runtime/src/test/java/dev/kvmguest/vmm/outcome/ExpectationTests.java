package dev.kvmguest.vmm.outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.tuple;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.GuestRuns;
import dev.kvmguest.vmm.Screens;
import dev.kvmguest.vmm.image.GuestTestCase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ExpectationTests {

    private static final GuestRun QUIET = GuestRuns.quiet();

    static Stream<Arguments> ends() {
        Outcome halted = new Outcome.Halted(false, QUIET);
        Outcome waiting = new Outcome.Halted(true, QUIET);
        Outcome exit0 = new Outcome.DebugExit(0, QUIET);
        Outcome exit3 = new Outcome.DebugExit(3, QUIET);
        Outcome hypercall = new Outcome.HypercallExit(QUIET);
        Outcome fault = new Outcome.TripleFault(QUIET);
        Outcome invalidOpcode = new Outcome.TripleFault(GuestRuns.withFault(6));
        Outcome timeout = new Outcome.TimedOut(Duration.ofSeconds(1), QUIET);
        return Stream.of(
                arguments(expect(), halted, null),
                arguments(expect(), exit0, null),
                arguments(expect(), hypercall, null),
                arguments(expect(), exit3, "expected exit code 0, but it was 3"),
                arguments(expect(), fault, "expected the guest to end normally, but it triple-faulted"),
                arguments(
                        expect(),
                        timeout,
                        "expected the guest to end normally, but it was still running at its time limit of 1000 ms"),
                arguments(
                        expect(),
                        waiting,
                        "expected the guest to end normally, but it halted with interrupts on, and no device can raise"
                                + " one"),
                arguments(expect().anyExitCode(), exit3, null),
                arguments(expect().anyExitCode(), fault, "expected the guest to end normally, but it triple-faulted"),
                arguments(expect().anyExitCode().exitCode(3), exit0, "expected exit code 3, but it was 0"),
                arguments(expect().exitCode(3), exit3, null),
                arguments(expect().exitCode(3), exit0, "expected exit code 3, but it was 0"),
                arguments(
                        expect().exitCode(3),
                        halted,
                        "expected exit code 3, but the guest halted with interrupts off, which has no exit code"),
                arguments(expect().exitCode(3), fault, "expected the guest to end normally, but it triple-faulted"),
                arguments(expect().outcome(Outcome.Kind.DEBUG_EXIT), exit3, null),
                arguments(expect().outcome(Outcome.Kind.DEBUG_EXIT).exitCode(3), exit3, null),
                arguments(
                        expect().outcome(Outcome.Kind.DEBUG_EXIT).exitCode(4),
                        exit3,
                        "expected exit code 4, but it was 3"),
                arguments(
                        expect().outcome(Outcome.Kind.DEBUG_EXIT).exitCode(4),
                        halted,
                        "expected the guest to end with debug-exit, but it halted with interrupts off"),
                arguments(expect().outcome(Outcome.Kind.HALTED), halted, null),
                arguments(
                        expect().outcome(Outcome.Kind.HALTED),
                        waiting,
                        "expected the guest to end with halted, but it halted with interrupts on, and no device can"
                                + " raise one"),
                arguments(expect().outcome(Outcome.Kind.TRIPLE_FAULT), fault, null),
                arguments(
                        expect().outcome(Outcome.Kind.TRIPLE_FAULT),
                        exit0,
                        "expected the guest to end with triple-fault, but it left by the debug-exit port with 0"),
                arguments(
                        expect().outcome(Outcome.Kind.TRIPLE_FAULT).exitCode(1),
                        fault,
                        "expected exit code 1, but the guest triple-faulted, which has no exit code"),
                arguments(expect().exception(6), invalidOpcode, null),
                arguments(expect().exception(6), new Outcome.UnhandledException("#UD", invalidOpcode.run()), null),
                arguments(
                        expect().outcome(Outcome.Kind.TRIPLE_FAULT).exception(6),
                        new Outcome.UnhandledException("#UD", invalidOpcode.run()),
                        "expected the guest to end with triple-fault, but it died of #UD without a handler"),
                arguments(expect().outcome(Outcome.Kind.TRIPLE_FAULT).exception(6), invalidOpcode, null),
                arguments(
                        expect().exception(14),
                        invalidOpcode,
                        "expected #PF to lead to the triple fault, but it was #UD"),
                arguments(
                        expect().exception(14),
                        fault,
                        "expected #PF to lead to the triple fault, but it is not known what did"),
                arguments(
                        expect().exception(14),
                        halted,
                        "expected the guest to end with triple-fault, but it halted with interrupts off"),
                arguments(expect().outcome(Outcome.Kind.TIMED_OUT), timeout, null));
    }

    @ParameterizedTest
    @MethodSource("ends")
    void endIsAsExpectedOrSaysHowNot(Expectation.Builder expectation, Outcome outcome, String mismatch) {
        if (mismatch == null) {
            assertThat(expectation.build().mismatches(outcome)).isEmpty();
        } else {
            assertThat(expectation.build().mismatches(outcome)).containsExactly(mismatch);
        }
    }

    @Test
    void whatWasExpectedAndWhatWasFoundCanBeToldApart() {
        Outcome outcome = new Outcome.DebugExit(1, GuestRuns.withConsole("9 x 9 = 82\r\n"));

        assertThat(expect().console("9 x 9 = 81").exitCode(3).build().compare(outcome))
                .extracting(Mismatch::expected, Mismatch::found, Mismatch::sentence)
                .containsExactly(
                        tuple("exit code 3", "it was 1", "expected exit code 3, but it was 1"),
                        tuple(
                                "the console to contain \"9 x 9 = 81\"",
                                "it has \"9 x 9 = 82\\n\"",
                                "the console does not contain \"9 x 9 = 81\"; it has \"9 x 9 = 82\\n\""));
    }

    @Test
    void searchThatIsGivenUpIsAMismatchThatNamesThePattern() {
        Pattern endless = Pattern.compile("(.*a){30}b");
        String console = "a".repeat(60);

        assertThat(expect().pattern(endless).build().mismatches(said(console)))
                .singleElement()
                .asString()
                .startsWith("the search for /(.*a){30}b/ in 60 characters was given up after 1000 ms");
        assertThat(expect().panics(endless).build().mismatches(said(console)))
                .singleElement()
                .asString()
                .startsWith("the search for /(.*a){30}b/ in 60 characters was given up");
    }

    @Test
    void exceptionThatLeadsToATripleFaultAndAnotherEndAreRefused() {
        Expectation.Builder both = expect().outcome(Outcome.Kind.HALTED).exception(6);

        assertThatIllegalArgumentException()
                .isThrownBy(both::build)
                .withMessage("exception #UD is expected to lead to a triple fault, and the end to be halted; leave one"
                        + " of the two out");
    }

    @ParameterizedTest
    @EnumSource(
            names = {"HALTED", "DEBUG_EXIT", "HYPERCALL_EXIT"},
            mode = EnumSource.Mode.EXCLUDE)
    void noOtherEndIsNormal(Outcome.Kind kind) {
        Outcome outcome =
                switch (kind) {
                    case TRIPLE_FAULT -> new Outcome.TripleFault(QUIET);
                    case UNHANDLED_EXCEPTION -> new Outcome.UnhandledException("#UD", QUIET);
                    case RESET -> new Outcome.Reset("by 0x92", QUIET);
                    case TIMED_OUT -> new Outcome.TimedOut(Duration.ofSeconds(1), QUIET);
                    case UNSUPPORTED -> new Outcome.Unsupported("no SSE", new byte[0], QUIET);
                    case ENGINE_ERROR -> new Outcome.EngineError("EFAULT", QUIET);
                    default -> new Outcome.Stopped(QUIET);
                };

        assertThat(outcome.kind()).isEqualTo(kind);
        assertThat(expect().build().mismatches(outcome))
                .containsExactly("expected the guest to end normally, but it " + outcome.describe());
        assertThat(expect().outcome(kind).build().mismatches(outcome)).isEmpty();
    }

    @Test
    void consoleContainsATextWhateverTheLineEnds() {
        assertMatches(expect().console("Hello"), "Hello, world\n");
        assertMatches(expect().console("a\nb\n"), "a\r\nb\r\n");
        assertMatches(expect().console("a\r\nb"), "a\nb\n");
        assertMatches(expect().console(""), "");
        assertMismatches(
                expect().console("Hello\n"),
                "Help\r\nme\rnow",
                "the console does not contain \"Hello\\n\"; it has \"Help\\nme\\rnow\"");
        assertMismatches(expect().console("x"), "", "the console does not contain \"x\"; it has \"\"");
    }

    @Test
    void consoleMatchesAPatternSomewhere() {
        Pattern product = Pattern.compile("(?m)^9 x 9 = \\d+$");

        assertMatches(expect().pattern(product), "Select:\r\n9 x 9 = 81\r\n");
        assertMismatches(
                expect().pattern(product),
                "9 x 9 = ?",
                "the console does not match /(?m)^9 x 9 = \\d+$/; it has \"9 x 9 = ?\"");
    }

    @Test
    void longConsoleIsShownByItsEnd() {
        assertMismatches(
                expect().console("b"),
                "x" + "a".repeat(400),
                "the console does not contain \"b\"; it has \"..." + "a".repeat(400) + "\"");
        assertMismatches(
                expect().console("b"),
                "a".repeat(400),
                "the console does not contain \"b\"; it has \"" + "a".repeat(400) + "\"");
    }

    @Test
    void controlCharactersDoNotReachTheReader() {
        assertMismatches(
                expect().console("\u001b[1m"),
                "a\u001b[2J\u0007\t\"\u009b",
                "the console does not contain \"\\x1b[1m\"; it has \"a\\x1b[2J\\x07\t\"\\x9b\"");
    }

    @Test
    void screenContainsAText() {
        Outcome outcome = new Outcome.Halted(false, GuestRuns.withScreen(Screens.of("Hello", "  you")));

        assertThat(expect().screen("Hello\r\n  y").build().mismatches(outcome)).isEmpty();
        assertThat(expect().screen("bye").build().mismatches(outcome))
                .containsExactly("the screen does not contain \"bye\"; it has \"Hello\\n  you\"");
        assertThat(expect().screen("bye").build().mismatches(new Outcome.Halted(false, QUIET)))
                .containsExactly("the screen does not contain \"bye\"; it is blank");
    }

    @Test
    void portIsSentExactlyTheseBytes() {
        GuestRun run = GuestRuns.withPorts(Map.of(0x80, new byte[] {0x11, (byte) 0xaa}));
        Outcome outcome = new Outcome.Halted(false, run);

        assertThat(expect().port(0x80, new byte[] {0x11, (byte) 0xaa}).build().mismatches(outcome))
                .isEmpty();
        assertThat(expect().port(0x81, new byte[0]).build().mismatches(outcome)).isEmpty();
        assertThat(expect().port(0x510, new byte[] {1})
                        .port(0x80, new byte[] {0x11})
                        .build()
                        .mismatches(outcome))
                .containsExactly(
                        "port 0x80 was expected to be sent 11 and was sent 11 aa",
                        "port 0x510 was expected to be sent 01 and was sent nothing");
        assertThat(expect().port(0x80, new byte[0]).build().mismatches(outcome))
                .containsExactly("port 0x80 was expected to be sent nothing and was sent 11 aa");
    }

    @Test
    void manyBytesAreShownByTheirStart() {
        GuestRun run = GuestRuns.withPorts(Map.of(0x80, new byte[65]));

        assertThat(expect().port(0x80, new byte[64]).build().mismatches(new Outcome.Halted(false, run)))
                .containsExactly("port 0x80 was expected to be sent " + "00 ".repeat(63) + "00 and was sent "
                        + "00 ".repeat(63) + "00 ...");
    }

    @Test
    void unclaimedPortsMatterOnlyToTheStrict() {
        Outcome outcome = new Outcome.Halted(false, GuestRuns.withUnclaimedPorts(0x510, 0x70));

        assertThat(expect().build().mismatches(outcome)).isEmpty();
        assertThat(expect().strictPorts(true).build().mismatches(outcome))
                .containsExactly("the guest used ports that no device has: 0x70, 0x510");
        assertThat(expect().strictPorts(true).build().mismatches(new Outcome.Halted(false, QUIET)))
                .isEmpty();
    }

    @Test
    void everyMismatchIsToldTheEndFirst() {
        Expectation expectation = expect().strictPorts(true)
                .port(0x80, new byte[] {1})
                .pattern(Pattern.compile("b"))
                .console("a")
                .build();

        assertThat(expectation.mismatches(new Outcome.TripleFault(GuestRuns.withUnclaimedPorts(0x70))))
                .containsExactly(
                        "expected the guest to end normally, but it triple-faulted",
                        "the console does not contain \"a\"; it has \"\"",
                        "the console does not match /b/; it has \"\"",
                        "port 0x80 was expected to be sent 01 and was sent nothing",
                        "the guest used ports that no device has: 0x70");
    }

    @Test
    void expectationDoesNotChangeWithItsBuilder() {
        byte[] bytes = {1};
        Expectation.Builder builder = expect().port(0x80, bytes);
        Expectation expectation = builder.build();
        bytes[0] = 2;
        builder.port(0x81, bytes).console("a");

        assertThat(expectation.mismatches(new Outcome.Halted(false, QUIET)))
                .containsExactly("port 0x80 was expected to be sent 01 and was sent nothing");
    }

    static Stream<Arguments> testVerdicts() {
        GuestTestCase test = new GuestTestCase(0, "adds", "sum.c", 7);
        GuestRun passed =
                GuestRuns.withGuestTest(new GuestTestResult(test, GuestTestResult.Status.PASSED, Optional.empty()));
        GuestRun failed = GuestRuns.withGuestTest(new GuestTestResult(
                test,
                GuestTestResult.Status.FAILED,
                Optional.of(new GuestTestResult.Failure("sum.c", 9, "assertion failed: a > b"))));
        GuestRun unfinished =
                GuestRuns.withGuestTest(new GuestTestResult(test, GuestTestResult.Status.UNFINISHED, Optional.empty()));
        String died = "expected the guest to end normally, but it triple-faulted";
        return Stream.of(
                arguments(new Outcome.DebugExit(0, passed), List.of()),
                arguments(new Outcome.TripleFault(passed), List.of(died)),
                arguments(new Outcome.DebugExit(1, passed), List.of("expected exit code 0, but it was 1")),
                arguments(new Outcome.DebugExit(1, failed), List.of("sum.c:9: assertion failed: a > b")),
                arguments(new Outcome.TripleFault(failed), List.of("sum.c:9: assertion failed: a > b", died)),
                arguments(
                        new Outcome.DebugExit(0, unfinished),
                        List.of("test adds was started, and the guest ended without a verdict")),
                arguments(
                        new Outcome.TripleFault(unfinished),
                        List.of("test adds was started, and the guest ended without a verdict", died)));
    }

    @ParameterizedTest
    @MethodSource("testVerdicts")
    void onlyATestThatPassedAndANormalEndAreAPass(Outcome outcome, List<String> mismatches) {
        assertThat(expect().build().mismatches(outcome)).isEqualTo(mismatches);
    }

    private static Expectation.Builder expect() {
        return Expectation.builder();
    }

    private static Outcome said(String console) {
        return new Outcome.Halted(false, GuestRuns.withConsole(console));
    }

    @Test
    void normalEndThatLooksLikeAPanicIsAMismatch() {
        Outcome outcome = said("starting\r\nPANIC: out of memory\r\nbye\r\n");
        String mismatch =
                "expected the guest to end without a panic, but it wrote \"PANIC: out of memory\" to its console";

        assertThat(expect().build().mismatches(outcome)).containsExactly(mismatch);
        assertThat(expect().anyExitCode().build().mismatches(outcome)).containsExactly(mismatch);
        assertThat(expect().outcome(Outcome.Kind.HALTED).build().mismatches(outcome))
                .containsExactly(mismatch);
        assertThat(expect().console("bye\n").build().mismatches(outcome)).containsExactly(mismatch);
        assertThat(expect().panics(Pattern.compile("out of (memory|time)"))
                        .build()
                        .mismatches(outcome))
                .containsExactly(
                        "expected the guest to end without a panic, but it wrote \"out of memory\" to its console");
        // One that differs otherwise says only that.
        assertThat(expect().exitCode(0).console("good").build().mismatches(outcome))
                .hasSize(2)
                .noneMatch(one -> one.contains("panic,"));
    }

    @Test
    void panicThatIsExpectedOrAcceptedIsNone() {
        Outcome outcome = said("starting\r\nPANIC: out of memory\r\nbye\r\n");

        assertThat(expect().acceptPanics().build().mismatches(outcome)).isEmpty();
        assertThat(expect().panics(Pattern.compile("fatal")).build().mismatches(outcome))
                .isEmpty();
        assertThat(expect().console("starting\nPANIC").build().mismatches(outcome))
                .isEmpty();
        assertThat(expect().pattern(Pattern.compile("out of .*")).build().mismatches(outcome))
                .isEmpty();
        assertThat(expect().build().compare(outcome, List.of(Pattern.compile("memory"))))
                .isEmpty();
        assertThat(expect().exitCode(3).build().mismatches(new Outcome.DebugExit(3, GuestRuns.withConsole("PANIC"))))
                .isEmpty();
        assertThat(expect().anyExitCode().build().mismatches(new Outcome.DebugExit(3, GuestRuns.withConsole("PANIC"))))
                .isEmpty();
    }

    @Test
    void anyEndLeavesTheRestToBeCompared() {
        Outcome panicked = new Outcome.Halted(false, GuestRuns.withConsole("PANIC: out of memory\n"));
        Outcome died = new Outcome.TripleFault(GuestRuns.withConsole("hi"));

        assertThat(expect().anyEnd().build().mismatches(panicked)).isEmpty();
        assertThat(expect().anyEnd().console("hi").build().mismatches(died)).isEmpty();
        assertThat(expect().anyEnd().console("ho").build().mismatches(died))
                .containsExactly("the console does not contain \"ho\"; it has \"hi\"");
    }

    private static void assertMatches(Expectation.Builder expectation, String console) {
        assertThat(expectation.build().mismatches(new Outcome.Halted(false, GuestRuns.withConsole(console))))
                .isEmpty();
    }

    private static void assertMismatches(Expectation.Builder expectation, String console, String message) {
        assertThat(expectation.build().mismatches(new Outcome.Halted(false, GuestRuns.withConsole(console))))
                .containsExactly(message);
    }
}
