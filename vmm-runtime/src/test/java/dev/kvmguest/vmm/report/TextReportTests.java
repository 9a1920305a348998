package dev.kvmguest.vmm.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Isolated("changes the default locale")
class TextReportTests {

    private static final String BARE = """
            guest kernel (boot paged) triple-faulted, after 3.1 ms of wall time on kvm
              registers: not known
              kvm's own registers, RIP=0xfff0 and so on, are reset values of a vCPU that shut down, not the guest's
            """;

    @Test
    void lineSaysHowAndWhereTheGuestEnded() {
        assertThat(TextReport.line(new Outcome.DebugExit(3, Examples.full())))
                .isEqualTo("guest kernel (boot paged) left by the debug-exit port with 3 at 0x8:0x80001d3f,"
                        + " after 3.1 ms of wall time on kvm");
        assertThat(TextReport.line(new Outcome.TripleFault(Examples.bare())))
                .isEqualTo("guest kernel (boot paged) triple-faulted, after 3.1 ms of wall time on kvm");
    }

    @Test
    void lineHasGuestTimeOrWallTimeAndNeverBoth() {
        assertThat(TextReport.line(new Outcome.TimedOut(
                        new Ending.TimedOut(Duration.ofSeconds(5), Optional.of(Duration.ofMillis(10))),
                        Examples.bare())))
                .isEqualTo("guest kernel (boot paged) can never end, proved after 10 ms of guest time on kvm");
        assertThat(TextReport.line(new Outcome.TimedOut(Duration.ofSeconds(5), Examples.bare())))
                .isEqualTo("guest kernel (boot paged) was still running at its time limit of 5000 ms, after 3.1 ms of"
                        + " wall time on kvm");
    }

    @Test
    void fullReportHasRegistersPortsConsoleAndScreen() {
        assertThat(TextReport.brief(new Outcome.DebugExit(3, Examples.full()))).isEqualTo("""
                        guest kernel (boot paged) left by the debug-exit port with 3 at 0x8:0x80001d3f, after 3.1 ms of wall time on kvm
                          eax=00001234 ebx=00000000 ecx=00000000 edx=00000000 esi=00000000 edi=00000000
                          ebp=00000000 esp=fffffffc eflags=00000002 cr0=80000011 cr3=00100000 cr4=00000010
                          cs=0008 ds=0010 es=0000 fs=0000 gs=0000 ss=0010 tr=0000 ldtr=0000 gdt=500/27 idt=528/7ff
                          ports without a device: 0x70, 0x510
                          addresses without RAM: 0xfee00000
                          warning: image kernel ends too late
                          warning: another warning
                          memory at the start:
                            0x00001000-0x000fffff    1044480 bytes  image kernel
                            0x00200000                              end of RAM
                          console:
                          | Hi
                          screen:
                          +---------+
                          | ☺ Hi    |
                          |   there |
                          +---------+
                        """);
    }

    @Test
    void virtual8086ModeIsShownAsSegmentAndOffset() {
        // mov esp,0x8000; GS to ES 0; SS:SP 0600:0100; EFLAGS.VM; CS:IP 0100:0024; iretd; there: cli
        String code = "bc 00 80 00 00 6a 00 6a 00 6a 00 6a 00 68 00 06 00 00 68 00 01 00 00 68 02 00 02 00"
                + " 68 00 01 00 00 6a 24 cf fa";

        assertThat(TextReport.brief(TestGuest.run(TestGuest.flat(code), EngineChoice.EMULATOR)))
                .contains("triple-faulted at 0100:0024 by #GP")
                .contains("#GP(0x0): cli")
                .contains("cause: IOPL is below the privilege level")
                .contains("\n    1023  iretd\n    0024  cli\n");
    }

    @Test
    void exceptionsThatTheGuestTookAreListedWhereTheyWereWatched() {
        assertThat(TextReport.brief(new Outcome.DebugExit(
                        0,
                        Examples.withExceptions(
                                new HandledException(
                                        Examples.event(
                                                14, OptionalInt.of(2), OptionalLong.of(0x7000), Optional.empty()),
                                        Examples.instruction(0x1005, "mov dword [0x7000], 1", "main+0x5", "c7 05")),
                                new HandledException(
                                        Examples.event(6, OptionalInt.empty(), OptionalLong.empty(), Optional.empty()),
                                        new GuestInstruction(
                                                0x2000, new byte[0], "", Optional.empty(), Optional.empty()))))))
                .contains("""
                          exceptions taken: 2
                            #PF(0x2) at 0x7000 in main+0x5: mov dword [0x7000], 1  (c7 05)
                            #UD: the instruction could not be fetched
                        """);
        assertThat(TextReport.brief(new Outcome.DebugExit(0, Examples.withExceptions())))
                .contains("  exceptions taken: none\n");
        assertThat(TextReport.brief(new Outcome.DebugExit(0, Examples.bare()))).doesNotContain("exceptions");
    }

    @Test
    void onlyTheFirstOfManyExceptionsAreListed() {
        HandledException one = new HandledException(
                Examples.event(3, OptionalInt.empty(), OptionalLong.empty(), Optional.empty()),
                Examples.instruction(0x1005, "int3", "main+0x5", "cc"));
        HandledException[] taken = Collections.nCopies(9, one).toArray(HandledException[]::new);

        assertThat(TextReport.brief(new Outcome.DebugExit(0, Examples.withExceptions(taken))))
                .contains("  exceptions taken: 9\n" + "    #BP in main+0x5: int3  (cc)\n".repeat(5) + "    ...\n");
    }

    @Test
    void testInTheGuestIsNamedWithItsPlaceAndVerdict() {
        assertThat(full(Examples.withFailedTest()))
                .contains("ms of wall time on kvm\n  in-guest test splits_pages, memory.c:40: failed\n  registers:");
    }

    @Test
    void fullScreenIsShownToItsEdges() {
        byte[] cells = new byte[4000];
        Arrays.fill(cells, (byte) '#');

        assertThat(TextReport.screen(Screen.of(cells, OptionalInt.empty())).lines())
                .hasSize(28)
                .contains("  +" + "-".repeat(82) + "+", "  | " + "#".repeat(80) + " |");
    }

    @Test
    void blankScreenIsSaidToBeSo() {
        assertThat(TextReport.screen(Screen.BLANK)).isEqualTo("  screen: blank\n");
    }

    @Test
    void lostRegistersAndAnEmptyConsoleAreSaidToBeSo() {
        assertThat(full(Examples.bare())).isEqualTo(BARE + "  console: empty\n");
    }

    @Test
    void controlCharactersDoNotReachTheTerminal() {
        assertThat(full(Examples.withConsole("a\u001b[2Jb\tc\u0007\u0000\u007f\u009b\n")))
                .isEqualTo(BARE + "  console:\n  | a\\x1b[2Jb\tc\\x07\\x00\\x7f\\x9b\n");
    }

    @Test
    void everyKindOfLineEndEndsALine() {
        assertThat(full(Examples.withConsole("a\r\nb\rc\n\nd")))
                .isEqualTo(BARE + "  console:\n  | a\n  | b\n  | c\n  | \n  | d\n");
    }

    @Test
    void longConsoleIsCutToItsLastLines() {
        String console = IntStream.rangeClosed(1, 12).mapToObj(i -> "line " + i).collect(Collectors.joining("\n"));

        assertThat(full(Examples.withConsole(console)))
                .startsWith(BARE + "  console, last 10 of 12 lines:\n  | line 3\n")
                .endsWith("  | line 12\n");
    }

    @Test
    void consoleOfTenLinesIsWhole() {
        assertThat(full(Examples.withConsole("x\n".repeat(10))))
                .isEqualTo(BARE + "  console:\n" + "  | x\n".repeat(10));
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "\u00e4", "\ud83d\ude00"})
    void longLineIsCut(String character) {
        assertThat(full(Examples.withConsole(character.repeat(160))))
                .isEqualTo(BARE + "  console:\n  | " + character.repeat(160) + "\n");
        assertThat(full(Examples.withConsole(character.repeat(161))))
                .isEqualTo(BARE + "  console:\n  | " + character.repeat(160) + "...\n");
    }

    @Test
    void longListsAreCutAtTheLinesEnd() {
        GuestRun run = Examples.withUnclaimed(
                IntStream.range(0, 20).boxed().toList(),
                LongStream.range(0xffff_ff00L, 0xffff_ff10L).boxed().toList());

        assertThat(full(run))
                .isEqualTo(BARE
                        + "  ports without a device: 0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xa, 0xb, 0xc,"
                        + " 0xd, 0xe, 0xf, 0x10, ...\n"
                        + "  addresses without RAM: 0xffffff00, 0xffffff01, 0xffffff02, 0xffffff03, 0xffffff04,"
                        + " 0xffffff05, 0xffffff06, ...\n"
                        + "  console: empty\n");
    }

    @Test
    void reportIsTheSameInEveryLocale() {
        Outcome outcome = new Outcome.DebugExit(3, Examples.full());
        String expected = TextReport.brief(outcome);
        Locale before = Locale.getDefault();
        for (String tag : List.of("de-DE", "ar-EG-u-nu-arab", "tr-TR", "th-TH-u-nu-thai")) {
            Locale.setDefault(Locale.forLanguageTag(tag));
            try {
                assertThat(TextReport.brief(outcome)).as(tag).isEqualTo(expected);
            } finally {
                Locale.setDefault(before);
            }
        }
    }

    private static String full(GuestRun run) {
        return TextReport.brief(new Outcome.TripleFault(run));
    }
}
