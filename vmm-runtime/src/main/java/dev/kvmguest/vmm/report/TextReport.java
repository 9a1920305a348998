package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.Fault;
import dev.kvmguest.vmm.GuestRun;
import dev.kvmguest.vmm.MemoryLayout;
import dev.kvmguest.vmm.Notation;
import dev.kvmguest.vmm.Outcome;
import dev.kvmguest.vmm.Register;
import dev.kvmguest.vmm.Screen;
import dev.kvmguest.vmm.SegmentRegister;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A run as text for a person: one line, or the few that fit a screen. */
public final class TextReport {

    private static final int CONSOLE_LINES = 10;
    private static final int FAULT_CONSOLE_LINES = 5;
    private static final int CONSOLE_WIDTH = 160;

    private static final List<Register> FIRST_ROW =
            List.of(Register.RAX, Register.RBX, Register.RCX, Register.RDX, Register.RSI, Register.RDI);
    private static final List<Register> SECOND_ROW =
            List.of(Register.RBP, Register.RSP, Register.RFLAGS, Register.CR0, Register.CR3, Register.CR4);

    private TextReport() {}

    /** Returns how a guest ended, in one line without a line end. */
    public static String line(Outcome outcome) {
        GuestRun run = outcome.run();
        String where = outcome.fault()
                .map(FaultText::where)
                .or(() -> run.registers().map(state -> " at " + state.instructionPointer()))
                .orElse("");
        return String.format(
                Locale.ROOT,
                "guest %s (boot %s) %s%s, after %.1f ms on %s",
                run.guest(),
                run.boot(),
                outcome.describe(),
                where,
                run.wallMillis(),
                run.engine());
    }

    /**
     * Returns {@link #line}, what led to a triple fault, registers, unclaimed ports, the tail of the console, and the screen
     * unless it is blank; lines ended by LF. The registers of a guest that triple-faulted are those at the first exception.
     */
    public static String full(Outcome outcome) {
        GuestRun run = outcome.run();
        StringBuilder text = new StringBuilder(line(outcome)).append('\n');
        run.guestTest().ifPresent(result -> text.append("  in-guest test ")
                .append(result.test().name())
                .append(", ")
                .append(result.test().file())
                .append(':')
                .append(result.test().line())
                .append(": ")
                .append(result.status().id())
                .append('\n'));
        text.append(outcome.fault()
                .map(fault -> FaultText.story(fault) + registersAtTheFault(fault, run))
                .or(() -> run.registers().map(state -> registers(state, "  ")))
                .orElse("  registers: not known, the engine reset the vCPU or could not read it\n"));
        list(text, "ports without a device", run.unclaimedPorts());
        list(text, "addresses without RAM", run.unclaimedMemory());
        text.append(warnings(run.layout()));
        text.append(console(run.console(), outcome.fault().isPresent() ? FAULT_CONSOLE_LINES : CONSOLE_LINES));
        text.append(run.screen().isBlank() ? "" : screen(run.screen()));
        return text.toString();
    }

    /** Returns a layout's warnings and what they are about, lines ended by LF; empty if there are none. */
    public static String warnings(MemoryLayout layout) {
        if (layout.warnings().isEmpty()) {
            return "";
        }
        String warnings = layout.warnings().stream()
                .map(warning -> "  warning: " + warning + "\n")
                .collect(Collectors.joining());
        return layout.ranges().isEmpty()
                ? warnings
                : warnings + "  memory at the start:\n" + layout.table().indent(4);
    }

    private static String registersAtTheFault(Fault fault, GuestRun run) {
        return "  registers at the fault, seen by " + fault.seenBy()
                + (run.registers().isPresent() ? "" : "; " + run.engine() + " has lost its own") + ":\n"
                + registers(fault.registers(), "    ");
    }

    private static String registers(CpuState state, String indentation) {
        return row(state, FIRST_ROW, indentation)
                + row(state, SECOND_ROW, indentation)
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
        return registers.stream()
                .map(register -> String.format("%s=%08x", register.name32(), state.get(register)))
                .collect(Collectors.joining(" ", indentation, "\n"));
    }

    private static void list(StringBuilder text, String what, Collection<? extends Number> numbers) {
        if (!numbers.isEmpty()) {
            text.append("  ").append(what).append(": ");
            text.append(numbers.stream()
                    .limit(16)
                    .map(number -> Notation.hex(number.longValue()))
                    .collect(Collectors.joining(", ")));
            text.append(numbers.size() > 16 ? ", ...\n" : "\n");
        }
    }

    /** Returns the tail of a console's text, as {@link #full} shows it. */
    public static String console(String console) {
        return console(console, CONSOLE_LINES);
    }

    private static String console(String console, int most) {
        if (console.isEmpty()) {
            return "  console: empty\n";
        }
        List<String> lines = console.lines().toList();
        List<String> last = lines.subList(Math.max(0, lines.size() - most), lines.size());
        StringBuilder text = new StringBuilder(
                last.size() == lines.size()
                        ? "  console:\n"
                        : "  console, last " + last.size() + " of " + lines.size() + " lines:\n");
        for (String line : last) {
            text.append("  | ").append(printable(line, CONSOLE_WIDTH)).append('\n');
        }
        return text.toString();
    }

    /** Returns the screen's text in a frame, as {@link #full} shows it. */
    public static String screen(Screen screen) {
        if (screen.isBlank()) {
            return "  screen: blank\n";
        }
        List<String> lines = screen.text().lines().toList();
        int width = lines.stream().mapToInt(String::length).max().orElse(0);
        String edge = "  +" + "-".repeat(width + 2) + "+\n";
        StringBuilder text = new StringBuilder("  screen:\n").append(edge);
        for (String line : lines) {
            text.append("  | ")
                    .append(line)
                    .append(" ".repeat(width - line.length()))
                    .append(" |\n");
        }
        return text.append(edge).toString();
    }

    /** Keeps a guest from moving the reader's cursor or flooding the report with one line: what is longer is cut. */
    static String printable(String line, int width) {
        StringBuilder text = new StringBuilder();
        line.codePoints().limit(width).forEach(c -> {
            if (Character.isISOControl(c) && c != '\t') {
                text.append(String.format("\\x%02x", c));
            } else {
                text.appendCodePoint(c);
            }
        });
        return text.append(line.codePointCount(0, line.length()) > width ? "..." : "")
                .toString();
    }
}
