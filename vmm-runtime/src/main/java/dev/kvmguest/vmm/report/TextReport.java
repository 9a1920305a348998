package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.internal.report.text.Extent;
import dev.kvmguest.vmm.internal.report.text.FaultText;
import dev.kvmguest.vmm.internal.report.text.InspectionText;
import dev.kvmguest.vmm.internal.report.text.PrintableText;
import dev.kvmguest.vmm.internal.report.text.RunNotes;
import dev.kvmguest.vmm.internal.report.text.StandstillText;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.text.ConsoleText;
import dev.kvmguest.vmm.text.Notation;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** A run as text for a person: one line, what fits on a screen, or everything. */
public final class TextReport {

    private static final String MORE = ", ...";

    private static final List<Register> FIRST_ROW =
            List.of(Register.RAX, Register.RBX, Register.RCX, Register.RDX, Register.RSI, Register.RDI);
    private static final List<Register> SECOND_ROW =
            List.of(Register.RBP, Register.RSP, Register.RFLAGS, Register.CR0, Register.CR3, Register.CR4);
    private static final List<List<Register>> ROWS = List.of(FIRST_ROW, SECOND_ROW);
    private static final List<List<Register>> LONG_MODE_ROWS = List.of(
            List.of(Register.RAX, Register.RBX, Register.RCX, Register.RDX),
            List.of(Register.RSI, Register.RDI, Register.RBP, Register.RSP),
            List.of(Register.R8, Register.R9, Register.R10, Register.R11),
            List.of(Register.R12, Register.R13, Register.R14, Register.R15),
            List.of(Register.RFLAGS, Register.CR0, Register.CR3, Register.CR4, Register.EFER));

    private TextReport() {}

    /**
     * Returns which test or check failed, and what was expected and found; lines ended by LF.
     *
     * @param test the test's or check's name
     * @param mismatches in what the run is not as expected
     */
    public static String failure(String test, List<Mismatch> mismatches) {
        StringBuilder text = new StringBuilder(test).append(" failed\n");
        for (Mismatch mismatch : mismatches) {
            if (mismatch.expected().isEmpty()) {
                text.append("  ").append(mismatch.sentence()).append('\n');
            } else {
                text.append("  expected: ").append(mismatch.expected()).append('\n');
                text.append("  found:    ").append(mismatch.found()).append('\n');
            }
        }
        return text.toString();
    }

    /** Returns how a guest ended, in one line without a line end. */
    public static String line(Outcome outcome) {
        GuestRun run = outcome.run();
        String where = outcome.fault()
                .filter(fault -> outcome.kind().isDeathByException())
                .map(fault ->
                        outcome.kind() == Outcome.Kind.TRIPLE_FAULT ? FaultText.where(fault) : FaultText.place(fault))
                .or(() -> run.registers().flatMap(state -> run.diagnosis()
                        .standstill()
                        .map(standstill -> StandstillText.where(standstill, state)
                                + (wasStoppedInHlt(outcome, standstill) ? ", where it waited for an interrupt" : ""))))
                .or(() -> run.registers()
                        .map(state -> " at " + state.instructionPointer())
                        .filter(place -> !outcome.describe().contains(place)))
                .orElse("");
        return String.format(
                Locale.ROOT,
                "guest %s (boot %s) %s%s%s on %s",
                run.guest(),
                run.boot(),
                outcome.describe(),
                where,
                saysGuestTime(outcome)
                        ? ""
                        : String.format(Locale.ROOT, ", after %.1f ms of wall time", run.wallMillis()),
                run.engine());
    }

    /** Two kinds of time in one sentence would be compared, and they have nothing to do with one another. */
    private static boolean saysGuestTime(Outcome outcome) {
        return outcome instanceof Outcome.TimedOut timedOut
                && timedOut.provedAfter().isPresent();
    }

    /**
     * Returns {@link #line}, the exception that the end came from if a handler took it, what led to a triple fault,
     * callers, registers, unclaimed ports, the tail of the console, and the screen unless it is blank; lines ended by
     * LF. The registers are those at the exception that the end came from, or at the first one of a triple fault.
     */
    public static String brief(Outcome outcome) {
        return start(outcome, Extent.SCREEN) + warnings(outcome.run().layout()) + end(outcome, Extent.SCREEN);
    }

    /**
     * Returns what {@link #brief} has and what it leaves out: all known instructions, callers and exceptions, the page
     * walk, the descriptor tables, what was where in memory and what registers point to, and the whole console.
     */
    public static String whole(Outcome outcome) {
        GuestRun run = outcome.run();
        StringBuilder text = new StringBuilder(start(outcome, Extent.ALL));
        run.diagnosis().inspection().ifPresent(found -> {
            if (!FaultText.hasPageFault(run.diagnosis().origin()) && !FaultText.hasPageFault(outcome.fault())) {
                found.pageWalk().ifPresent(walk -> text.append(InspectionText.pageWalk(walk)));
            }
            text.append(InspectionText.tables(found));
        });
        text.append(run.layout().warnings().isEmpty() ? memory(run.layout()) : warnings(run.layout()));
        text.append(InspectionText.overlaps(run.layout()));
        run.diagnosis().inspection().ifPresent(found -> text.append(InspectionText.places(found, run.layout())));
        return text.append(end(outcome, Extent.ALL)).toString();
    }

    private static boolean wasStoppedInHlt(Outcome outcome, Standstill standstill) {
        return outcome.kind() == Outcome.Kind.STOPPED && standstill.samples().isEmpty();
    }

    /**
     * Returns where a guest stood that hung, halted or was stopped, as {@link #brief} has it: the instruction, its
     * source line, whether interrupts were on; lines ended by LF. Empty for other ends, and if it isn't known.
     */
    public static String standstill(Outcome outcome) {
        GuestRun run = outcome.run();
        return run.registers()
                .map(state -> standstill(run, state, Extent.SCREEN))
                .orElse("");
    }

    private static String start(Outcome outcome, Extent extent) {
        GuestRun run = outcome.run();
        StringBuilder text = new StringBuilder(line(outcome)).append('\n');
        outcome.panic().ifPresent(sentence -> FaultText.wrap(text, "  ", "warning: " + sentence));
        run.guestTest().ifPresent(result -> text.append("  in-guest test ")
                .append(result.test().name())
                .append(", ")
                .append(result.test().file())
                .append(':')
                .append(result.test().line())
                .append(": ")
                .append(result.status().id())
                .append('\n'));
        RunNotes.replayNote(outcome).ifPresent(sentence -> FaultText.wrap(text, "  ", "replay: " + sentence));
        run.diagnosis().parting().ifPresent(parting -> text.append(FaultText.parting(parting, "    ")));
        int notes = (int) text.chars().filter(c -> c == '\n').count() - 1;
        Optional<Fault> origin = run.diagnosis().origin();
        boolean all = extent.equals(Extent.ALL);
        origin.ifPresent(fault -> text.append(FaultText.origin(
                        fault,
                        run.diagnosis().inspection(),
                        all ? extent.instructions() : outcome.fault().isPresent() ? 2 : 4))
                .append(registersAtTheFault(fault)));
        boolean registersToo = origin.isEmpty() || all;
        Extent left = extent.below(notes);
        text.append(outcome.fault()
                .map(fault -> registersToo
                        ? FaultText.story(fault, inspectionAtTheEnd(run.diagnosis()), left) + registersAtTheFault(fault)
                        : FaultText.end(fault))
                .or(() -> run.registers()
                        .map(state -> standstill(run, state, extent) + (registersToo ? registers(state, "  ") : "")))
                .orElse("  registers: not known\n"));
        if (RunNotes.wasReset(outcome)) {
            FaultText.wrap(text, "  ", RunNotes.resetNote(run.engine()));
        }
        run.diagnosis().exceptions().ifPresent(taken -> text.append(exceptions(taken, extent.exceptions())));
        run.diagnosis().warnings().forEach(warning -> FaultText.wrap(text, "  ", "warning: " + warning));
        list(text, "ports without a device", run.unclaimedPorts());
        list(text, "addresses without RAM", run.unclaimedMemory());
        return text.toString();
    }

    /** The page walk is that of the exception that the end came from, if it was a page fault. */
    private static Optional<Inspection> inspectionAtTheEnd(Diagnosis diagnosis) {
        return FaultText.hasPageFault(diagnosis.origin())
                ? diagnosis
                        .inspection()
                        .map(found ->
                                new Inspection(found.callChain(), Optional.empty(), found.tables(), found.places()))
                : diagnosis.inspection();
    }

    private static String end(Outcome outcome, Extent extent) {
        int most = isExplained(outcome.run().diagnosis()) ? extent.consoleBeside() : extent.console();
        Screen screen = outcome.run().screen();
        return console(outcome.run().console(), most, extent.consoleWidth()) + (screen.isBlank() ? "" : screen(screen));
    }

    private static String standstill(GuestRun run, CpuState state, Extent extent) {
        Diagnosis diagnosis = run.diagnosis();
        String callers = diagnosis
                .inspection()
                .map(found -> InspectionText.callChain(found, extent.callers()))
                .orElse("");
        return diagnosis
                .standstill()
                .map(standstill -> StandstillText.story(standstill, state, callers, extent))
                .orElse(callers);
    }

    /** Returns whether there is much to read apart from the console. */
    private static boolean isExplained(Diagnosis diagnosis) {
        return diagnosis.fault().isPresent()
                || diagnosis.origin().isPresent()
                || diagnosis
                        .standstill()
                        .filter(standstill -> !standstill.samples().isEmpty())
                        .isPresent();
    }

    private static String exceptions(List<HandledException> taken, int most) {
        if (taken.isEmpty()) {
            return "  exceptions taken: none\n";
        }
        StringBuilder text = new StringBuilder("  exceptions taken: " + taken.size() + "\n");
        taken.stream()
                .limit(most)
                .forEach(one -> FaultText.wrap(text, "    ", FaultText.line(one.exception(), one.at())));
        return text.append(taken.size() > most ? "    ...\n" : "").toString();
    }

    /**
     * Returns a layout's warnings and the ranges that they are about, lines ended by LF; empty if there are no
     * warnings.
     */
    public static String warnings(MemoryLayout layout) {
        if (layout.warnings().isEmpty()) {
            return "";
        }
        String warnings = layout.warnings().stream()
                .map(warning -> "  warning: " + warning + "\n")
                .collect(Collectors.joining());
        return warnings + memory(layout);
    }

    private static String memory(MemoryLayout layout) {
        return layout.ranges().isEmpty()
                ? ""
                : "  memory at the start:\n" + layout.table().indent(4);
    }

    private static String registersAtTheFault(Fault fault) {
        StringBuilder text = new StringBuilder();
        FaultText.wrap(text, "  ", "registers at the fault, seen by " + fault.seenBy() + ":");
        return text.append(registers(fault.registers(), "    ")).toString();
    }

    private static String registers(CpuState state, String indentation) {
        return (state.longMode() ? LONG_MODE_ROWS : ROWS)
                        .stream().map(row -> row(state, row, indentation)).collect(Collectors.joining())
                + Arrays.stream(SegmentRegister.values())
                        .map(register -> String.format(
                                "%s=%04x",
                                register.lowerCaseName(),
                                state.segment(register).selector()))
                        .collect(Collectors.joining(" ", indentation, ""))
                + String.format(
                        " gdt=%x/%x idt=%x/%x\n",
                        state.gdt().base(),
                        state.gdt().limit(),
                        state.idt().base(),
                        state.idt().limit());
    }

    private static String row(CpuState state, List<Register> registers, String indentation) {
        String format = state.longMode() ? "%-3s=%016x" : "%s=%08x";
        return registers.stream()
                .map(register -> String.format(format, state.nameOf(register), state.get(register)))
                .collect(Collectors.joining(" ", indentation, "\n"));
    }

    /** Appends as many numbers as fit on a line. */
    private static void list(StringBuilder text, String what, Collection<? extends Number> numbers) {
        if (numbers.isEmpty()) {
            return;
        }
        StringBuilder line = new StringBuilder("  ").append(what).append(":");
        String separator = " ";
        for (Number number : numbers) {
            String next = separator + Notation.hex(number.longValue());
            if (line.length() + next.length() + MORE.length() > FaultText.WIDTH) {
                line.append(MORE);
                break;
            }
            line.append(next);
            separator = ", ";
        }
        text.append(line).append('\n');
    }

    /** Returns the tail of a console's text, as {@link #brief} shows it. */
    public static String console(String console) {
        return console(console, Extent.SCREEN.console(), Extent.SCREEN.consoleWidth());
    }

    private static String console(String console, int most, int width) {
        if (console.isEmpty()) {
            return "  console: empty\n";
        }
        List<String> lines = ConsoleText.withoutCarriageReturns(console).lines().toList();
        List<String> last = lines.subList(Math.max(0, lines.size() - most), lines.size());
        StringBuilder text = new StringBuilder(
                last.size() == lines.size()
                        ? "  console:\n"
                        : "  console, last " + last.size() + " of " + lines.size() + " lines:\n");
        for (String line : last) {
            text.append("  | ").append(PrintableText.printable(line, width)).append('\n');
        }
        return text.toString();
    }

    /** Returns the screen's text in a frame, as {@link #brief} shows it; of a picture its size. */
    public static String screen(Screen screen) {
        String picture =
                screen.framebuffer().map(drawn -> "  screen: " + drawn + "\n").orElse("");
        if (!screen.hasText()) {
            return picture.isEmpty() ? "  screen: blank\n" : picture;
        }
        List<String> lines = screen.text().lines().toList();
        int width = lines.stream().mapToInt(String::length).max().orElse(0);
        String edge = "  +" + "-".repeat(width + 2) + "+\n";
        StringBuilder text = new StringBuilder(picture)
                .append(picture.isEmpty() ? "  screen:\n" : "  text memory:\n")
                .append(edge);
        for (String line : lines) {
            text.append("  | ")
                    .append(line)
                    .append(" ".repeat(width - line.length()))
                    .append(" |\n");
        }
        return text.append(edge).toString();
    }
}
