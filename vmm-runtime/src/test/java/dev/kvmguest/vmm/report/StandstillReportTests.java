package dev.kvmguest.vmm.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.diagnosis.Standstill.Sample;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Guests that hung or halted, in text and in JSON. */
class StandstillReportTests {

    private static final GuestInstruction COMPARE = new GuestInstruction(
            0x8000_1008L,
            new byte[] {(byte) 0x83, 0x3d, 0x04, 0x20, 0, 0, 0},
            "cmp dword [0x2004], 0",
            Optional.of("wait_tick+0x8"),
            Optional.of("timer.c:12"));
    private static final GuestInstruction JUMP = new GuestInstruction(
            0x8000_100fL,
            new byte[] {0x74, (byte) 0xf7},
            "je 0x80001008",
            Optional.of("wait_tick+0xf"),
            Optional.of("timer.c:12"));
    private static final GuestInstruction HLT = new GuestInstruction(
            0x8000_1020L, new byte[] {(byte) 0xf4}, "hlt", Optional.of("panic+0x4"), Optional.of("panic.c:9"));

    private static final Standstill HANG = new Standstill(
            COMPARE,
            false,
            List.of(new Sample(COMPARE, 21), new Sample(JUMP, 12)),
            List.of(COMPARE, JUMP),
            List.of("ticks at 0x2004, read 256 times, always 0x0"),
            List.of("IRQ 0 (timer) is pending, and IF is off"),
            List.of("STI is missing"));

    private static final Duration LIMIT = Duration.ofMillis(100);

    private static GuestRun run(Standstill standstill) {
        return DiagnosedRuns.run(
                DiagnosedRuns.LAYOUT,
                "booting\n",
                Screen.BLANK,
                new Diagnosis(
                        Optional.empty(),
                        Optional.of(standstill),
                        Optional.empty(),
                        Timeline.EMPTY,
                        Optional.empty(),
                        Optional.empty()));
    }

    private static String hang(Standstill standstill) {
        return TextReport.brief(new Outcome.TimedOut(LIMIT, run(standstill)));
    }

    private static Standstill halt(boolean interruptsEnabled, List<String> interrupts, List<String> advice) {
        return new Standstill(HLT, interruptsEnabled, List.of(), List.of(), List.of(), interrupts, advice);
    }

    @Test
    void hangSaysWhereWhatItReadsWhyAndItsLoop() {
        assertThat(hang(HANG)).startsWith("""
                guest kernel (boot paged) was still running at its time limit of 100 ms at 0x8:0x80001008 in wait_tick+0x8, \
                after 3.1 ms of wall time on emulator
                  last seen in wait_tick+0x8 (timer.c:12): cmp dword [0x2004], 0  (83 3d 04 20 00 00 00)
                  found at: wait_tick+0x8 63 %, wait_tick+0xf 36 %
                  reads: ticks at 0x2004, read 256 times, always 0x0
                  interrupts: off; IRQ 0 (timer) is pending, and IF is off
                  advice: STI is missing
                  loop:
                    80001008  wait_tick+0x8  cmp dword [0x2004], 0
                    8000100f                 je 0x80001008
                  eax=""").contains("  console:\n  | booting\n");
    }

    @Test
    void longLoopAndManyPlacesAreCut() {
        Standstill standstill = new Standstill(
                COMPARE,
                true,
                IntStream.range(0, 4).mapToObj(i -> new Sample(COMPARE, 1)).toList(),
                IntStream.range(0, 30).mapToObj(i -> COMPARE).toList(),
                List.of(),
                List.of(),
                List.of());

        assertThat(hang(standstill).lines())
                .contains("  found at: wait_tick+0x8 25 %, wait_tick+0x8 25 %, wait_tick+0x8 25 %, ...")
                .contains("  interrupts: on", "    ...")
                .filteredOn(line -> line.contains("cmp dword"))
                .hasSize(9);
    }

    @Test
    void reportOfAHangFitsAScreen() {
        Standstill standstill = new Standstill(
                COMPARE,
                false,
                List.of(new Sample(COMPARE, 1)),
                IntStream.range(0, 30).mapToObj(i -> COMPARE).toList(),
                List.of("one", "two"),
                List.of("three"),
                List.of("four"));

        assertThat(hang(standstill).lines()).hasSizeLessThanOrEqualTo(25);
    }

    @Test
    void guestThatHaltedInOrderHasOneLineForItAndWhatIsInTheSource() {
        String report = TextReport.brief(new Outcome.Halted(false, run(halt(false, List.of(), List.of()))));

        assertThat(report).startsWith("""
                guest kernel (boot paged) halted with interrupts off at 0x8:0x80001020 in panic+0x4, after 3.1 ms of wall time on emulator
                  warning: the guest halted in panic, which counts as a normal end and looks like a panic; a kernel that has failed can
                    say so by writing a status other than 0 to the debug-exit port 0xf4
                  halted in panic+0x4 (panic.c:9): hlt  (f4)
                  eax=""");
    }

    @Test
    void haltThatSomethingIsWrongWithSaysWhat() {
        Standstill standstill = halt(true, List.of("all interrupt requests are masked"), List.of("open one"));

        assertThat(TextReport.brief(new Outcome.Halted(true, run(standstill)))).contains("""
                  halted in panic+0x4 (panic.c:9): hlt  (f4)
                  interrupts: on; all interrupt requests are masked
                  advice: open one
                """);
    }

    @Test
    void whatAGuestNamesCannotMoveTheCursorOrFloodTheReport() {
        GuestInstruction named = new GuestInstruction(
                0x1000, new byte[0], "", Optional.of("a\u001b[2J" + "b".repeat(500)), Optional.of("\n".repeat(300)));
        Standstill standstill = new Standstill(
                named,
                true,
                List.of(new Sample(named, 1)),
                List.of(named, named),
                List.of("x\n\u001b" + "y".repeat(5000)),
                List.of(),
                List.of());

        assertThat(hang(standstill).lines().skip(1)).hasSizeLessThan(30).allMatch(line -> line.length() <= 120);
        assertThat(hang(standstill)).doesNotContain("\u001b");
    }

    @Test
    void jsonHasItAll() {
        assertThat(JsonReport.of(new Outcome.TimedOut(LIMIT, run(HANG)))).contains("""
                  "standstill": {
                    "eip": "0x80001008",
                    "symbol": "wait_tick+0x8",
                    "source": "timer.c:12",
                    "bytes": "83 3d 04 20 00 00 00",
                    "instruction": "cmp dword [0x2004], 0",
                    "interruptsEnabled": false,
                    "samples": [{
                        "eip": "0x80001008",
                        "symbol": "wait_tick+0x8",
                        "times": 21
                      }, {
                        "eip": "0x8000100f",
                        "symbol": "wait_tick+0xf",
                        "times": 12
                      }],
                    "loop": ["0x80001008 wait_tick+0x8 cmp dword [0x2004], 0", "0x8000100f wait_tick+0xf je 0x80001008"],
                    "waitsFor": ["ticks at 0x2004, read 256 times, always 0x0"],
                    "interrupts": ["IRQ 0 (timer) is pending, and IF is off"],
                    "advice": ["STI is missing"]
                  },
                """);
    }

    @Test
    void jsonOfACodeThatCannotBeReadHasNulls() {
        GuestInstruction nowhere = new GuestInstruction(0xfff, new byte[0], "", Optional.empty(), Optional.empty());
        Standstill standstill = new Standstill(nowhere, true, List.of(), List.of(), List.of(), List.of(), List.of());

        assertThat(JsonReport.of(new Outcome.TimedOut(LIMIT, run(standstill)))).contains("""
                  "standstill": {
                    "eip": "0xfff",
                    "symbol": null,
                    "source": null,
                    "bytes": null,
                    "instruction": null,
                    "interruptsEnabled": true,
                    "samples": [],
                    "loop": [],
                    "waitsFor": [],
                    "interrupts": [],
                    "advice": []
                  },
                """);
    }
}
