package dev.kvmguest.vmm.internal.report.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.Frame;
import dev.kvmguest.vmm.diagnosis.Inspection.PageWalk;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.DiagnosedRuns;
import dev.kvmguest.vmm.report.Examples;
import dev.kvmguest.vmm.report.TextReport;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a {@link TextReport} says of a guest's memory. */
class InspectionTextTests {

    @Test
    void callersStandBelowTheExceptionsAndTablesAreLeftOut() {
        assertThat(TextReport.brief(new Outcome.TripleFault(DiagnosedRuns.died())))
                .contains("""
                            -> shutdown: IDT[8] at 0x568 is empty
                          called from frames_init+0x42 (src/frames.c:31)
                          probably called from main+0x12
                          interrupted idle+0x2
                          advice: the guest uses SSE, which CR4.OSFXSR = 0 forbids; compile it with -mno-sse
                          last instructions:
                        """)
                .doesNotContain("GDT[", "page walk", "memory at the start");
    }

    @Test
    void wholeReportHasTablesPageWalkMemoryAndAllTheConsole() {
        String console = "line\n".repeat(100);
        Outcome outcome = new Outcome.TripleFault(DiagnosedRuns.run(
                DiagnosedRuns.LAYOUT,
                console,
                Screen.BLANK,
                diagnosis(Optional.of(Examples.sseFault()), DiagnosedRuns.INSPECTION)));

        assertThat(TextReport.whole(outcome))
                .startsWith(TextReport.brief(outcome).lines().limit(8).reduce("", (text, line) -> text + line + "\n"))
                .contains("""
                          addresses without RAM: 0xfee00000
                          page walk of 0x80001d3f: physical 0x1d3f
                            page-directory entry 512 at 0x100800 = 0x83: 4 MiB page at 0x0, present, writable, supervisor
                          GDT at 0x500, limit 0x27:
                            GDT[0] null
                            GDT[1] 32-bit code, base 0x0, limit 0xffffffff, DPL 0
                          IDT at 0x528, limit 0x7ff:
                            IDT[0-255] empty
                          memory at the start:
                            0x00000500-0x00000527         40 bytes  the GDT
                        """)
                .contains("""
                            0x01000000                              end of RAM
                          EIP 0x80001d3f is physical 0x1d3f, in image kernel
                          ESP 0x8001cab0 is physical 0x1cab0, in the stack of image kernel
                          CR3 0x100000 is in the page directory
                          GDTR 0x500 is in the GDT
                          IDTR 0x528 is not mapped
                          console:
                          | line
                        """)
                .endsWith("  | line\n".repeat(100));
    }

    @Test
    void wholeReportNamesWhatOverlaps() {
        Outcome outcome = new Outcome.Halted(
                true,
                DiagnosedRuns.run(
                        new MemoryLayout(DiagnosedRuns.OVERLAPPING.ranges(), List.of()),
                        "",
                        Screen.BLANK,
                        Diagnosis.NONE));

        assertThat(TextReport.whole(outcome))
                .contains("  overlap: image kernel at 0xf0000-0x1007ff and the page directory at 0x100000-0x100fff\n");
    }

    @Test
    void allInstructionsAreInTheWholeReportAndFewerThanUsualBesideCallersInTheBriefOne() {
        List<GuestInstruction> instructions = IntStream.range(0, 32)
                .mapToObj(i -> Examples.instruction(0x1000 + i, "nop", null, "90"))
                .toList();
        Fault fault = Examples.sseFault();
        Fault longer = new Fault(
                fault.at(),
                fault.chain(),
                fault.shutdown(),
                instructions,
                fault.registers(),
                fault.seenBy(),
                fault.advice());
        Outcome outcome = outcome(longer, inspection(frames(5)));

        assertThat(TextReport.brief(outcome).lines().filter(line -> line.endsWith("  nop")))
                .hasSize(7);
        assertThat(TextReport.whole(outcome).lines().filter(line -> line.endsWith("  nop")))
                .hasSize(32);
    }

    @Test
    void callersAreCutToFiveLinesAndTheSameOneInARowIsOne() {
        List<Frame> frames = Stream.of(Collections.nCopies(20, frame("recurse+0x5")), frames(7))
                .flatMap(List::stream)
                .toList();

        assertThat(callersOf(frames))
                .containsExactly(
                        "  called from recurse+0x5, 20 times",
                        "  called from f0",
                        "  called from f1",
                        "  called from f2",
                        "  and 4 more callers");
        assertThat(callersOf(frames(5))).hasSize(5).last().isEqualTo("  called from f4");
    }

    @Test
    void callersBeyondTheMostLinesAreCounted() {
        List<Frame> frames = List.of(frame("sum+0x10"), frame("sum+0x10"), frame("main+0x5"), frame("start+0x5"));

        assertThat(InspectionText.callChain(inspection(frames), 3))
                .hasLineCount(3)
                .endsWith("start+0x5\n");
        assertThat(InspectionText.callChain(inspection(frames), 2))
                .isEqualTo("  called from sum+0x10, 2 times\n  and 2 more callers\n");
        assertThat(InspectionText.callChain(inspection(frames), 1)).isEqualTo("  and 4 more callers\n");
    }

    @Test
    void chainOfAsManyFramesAsAreLookedForMayGoOn() {
        assertThat(callersOf(Collections.nCopies(Inspection.MOST_FRAMES, frame("recurse+0x5"))))
                .containsExactly("  called from recurse+0x5, 32 times, if not more");
        assertThat(callersOf(frames(Inspection.MOST_FRAMES))).last().isEqualTo("  and 28 more callers, if not more");
    }

    @Test
    void interruptedFunctionAndOneWithoutSymbolAreNamed() {
        assertThat(callersOf(List.of(
                        new Frame(0x1234, Optional.empty(), Optional.of("a.c:3"), true, true),
                        new Frame(0x5678, Optional.of("main+0x3"), Optional.empty(), true, false))))
                .containsExactly("  interrupted 0x1234 (a.c:3)", "  probably interrupted main+0x3");
    }

    @Test
    void pageWalkIsInTheBriefReportWherePagesFaulted() {
        PageWalk walk = new PageWalk(
                0xdead_0000L,
                List.of(new PageWalk.Level("page-directory entry 890", 0x10_0de8, 0, "not present, empty")),
                "not mapped, since page-directory entry 890 is not present");
        Inspection inspection = new Inspection(List.of(), Optional.of(walk), List.of());

        assertThat(TextReport.brief(outcome(Examples.bareFault(), inspection)))
                .contains("\n  page walk of 0xdead0000: not mapped, since page-directory entry 890 is not present"
                        + "\n    page-directory entry 890 at 0x100de8 = 0x0: not present, empty\n");
        assertThat(TextReport.whole(outcome(Examples.bareFault(), inspection)))
                .containsOnlyOnce("page walk of 0xdead0000");
        assertThat(TextReport.brief(outcome(Examples.sseFault(), inspection))).doesNotContain("page walk");
    }

    @Test
    void stuckGuestHasItsCallersToo() {
        Outcome outcome = new Outcome.Halted(
                true,
                DiagnosedRuns.run(
                        DiagnosedRuns.LAYOUT, "", Screen.BLANK, diagnosis(Optional.empty(), inspection(frames(1)))));

        assertThat(TextReport.brief(outcome)).contains("\n  called from f0\n  eax=");
    }

    @Test
    void namesNeitherMoveTheCursorNorWidenALine() {
        String name = "\u001b[2J" + "n".repeat(1000);

        assertThat(callersOf(List.of(new Frame(1, Optional.of(name), Optional.of(name), true))))
                .singleElement()
                .asString()
                .startsWith("  called from \\x1b[2Jnnn")
                .hasSizeLessThanOrEqualTo(120);
    }

    private static List<String> callersOf(List<Frame> frames) {
        return TextReport.brief(outcome(Examples.sseFault(), inspection(frames)))
                .lines()
                .skip(6)
                .takeWhile(line -> !line.startsWith("  advice"))
                .toList();
    }

    private static List<Frame> frames(int count) {
        return IntStream.range(0, count).mapToObj(i -> frame("f" + i)).toList();
    }

    private static Frame frame(String symbol) {
        return new Frame(0x1000, Optional.of(symbol), Optional.empty(), true);
    }

    private static Inspection inspection(List<Frame> frames) {
        return new Inspection(frames, Optional.empty(), List.of());
    }

    private static Outcome outcome(Fault fault, Inspection inspection) {
        return new Outcome.TripleFault(
                DiagnosedRuns.run(MemoryLayout.UNKNOWN, "", Screen.BLANK, diagnosis(Optional.of(fault), inspection)));
    }

    private static Diagnosis diagnosis(Optional<Fault> fault, Inspection inspection) {
        return new Diagnosis(
                fault, Optional.empty(), Optional.of(inspection), Timeline.EMPTY, Optional.empty(), Optional.empty());
    }
}
