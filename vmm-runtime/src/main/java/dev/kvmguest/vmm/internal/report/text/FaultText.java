package dev.kvmguest.vmm.internal.report.text;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.text.Notation;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What led to a triple fault, as the part of a text report that comes first. */
public final class FaultText {

    /** However many callers take their place. */
    private static final int FEWEST_INSTRUCTIONS = 4;
    /** What is above the last instructions. More of it leaves less room for these. */
    private static final int USUAL_LINES = 10;

    /** The most exceptions inside its handler. */
    private static final int MOST_INSIDE = 2;

    public static final int WIDTH = 120;
    private static final int NAME_WIDTH = 48;
    private static final int SENTENCE_WIDTH = 600;

    /** A space at which no line ends. */
    private static final String UNBROKEN = "\u00a0";

    private FaultText() {}

    /** Returns where it began and with what, to follow "triple-faulted" in a sentence. */
    public static String where(Fault fault) {
        return place(fault) + " by " + fault.first().name();
    }

    /** Returns where it began, to follow how the guest died in a sentence. */
    public static String place(Fault fault) {
        return " at " + fault.registers().codeAddress(fault.at().eip())
                + fault.at().symbol().map(symbol -> " in " + name(symbol)).orElse("");
    }

    /**
     * Returns the exceptions with their causes, callers, advice, the page walk if there was a page fault, and the last
     * instructions; lines ended by LF.
     */
    public static String story(Fault fault, Optional<Inspection> inspection, Extent extent) {
        StringBuilder text = new StringBuilder();
        wrap(text, "  ", line(fault.first(), fault.at()));
        fault.first().cause().ifPresent(cause -> wrap(text, "    ", "cause: " + cause));
        for (Event event : fault.chain().subList(1, fault.chain().size())) {
            wrap(
                    text,
                    "    ",
                    "-> " + event + event.cause().map(cause -> ": " + cause).orElse(""));
        }
        wrap(text, "    ", (fault.handler().isPresent() ? "-> its handler " : "-> shutdown: ") + fault.shutdown());
        inspection.ifPresent(found -> text.append(InspectionText.callChain(found, extent.callers())));
        fault.advice().forEach(advice -> wrap(text, "  ", "advice: " + advice));
        if (hasPageFault(Optional.of(fault))) {
            inspection.flatMap(Inspection::pageWalk).ifPresent(walk -> text.append(InspectionText.pageWalk(walk)));
        }
        int beyond = Math.max(0, (int) text.toString().lines().count() - USUAL_LINES);
        return text.append(lastInstructions(
                        fault, Math.max(FEWEST_INSTRUCTIONS, extent.instructions() - beyond), "last instructions"))
                .toString();
    }

    /**
     * Returns the exception that an end came from and what its handler did, advice, the page walk if it was a page
     * fault, and the last instructions before it; lines ended by LF.
     *
     * @param most the most instructions
     */
    public static String origin(Fault origin, Optional<Inspection> inspection, int most) {
        StringBuilder text = new StringBuilder();
        wrap(text, "  ", "began with " + line(origin.first(), origin.at()));
        origin.first().cause().ifPresent(cause -> wrap(text, "    ", "cause: " + cause));
        origin.handler().ifPresent(handler -> {
            String name = handler.symbol().map(symbol -> name(symbol) + " at ").orElse("at ");
            wrap(text, "    ", "-> its handler " + name + Notation.hex(handler.eip()) + " " + origin.shutdown());
            handler.inside().stream()
                    .limit(MOST_INSIDE)
                    .forEach(one -> wrap(text, "    ", "-> in it " + line(one.exception(), one.at())));
        });
        origin.advice().forEach(advice -> wrap(text, "  ", "advice: " + advice));
        if (hasPageFault(Optional.of(origin))) {
            inspection.flatMap(Inspection::pageWalk).ifPresent(walk -> text.append(InspectionText.pageWalk(walk)));
        }
        return text.append(lastInstructions(origin, most, "last instructions before it"))
                .toString();
    }

    /** Returns what a triple fault was in the end that began with something else, and advice about it. */
    public static String end(Fault fault) {
        StringBuilder text = new StringBuilder();
        wrap(text, "  ", "then " + line(fault.first(), fault.at()));
        fault.first().cause().ifPresent(cause -> wrap(text, "    ", "cause: " + cause));
        wrap(text, "    ", "-> shutdown: " + fault.shutdown());
        fault.advice().forEach(advice -> wrap(text, "  ", "advice: " + advice));
        return text.toString();
    }

    /** Returns whether there was a page fault, so that {@link #story} has the page walk. */
    public static boolean hasPageFault(Optional<Fault> fault) {
        return fault.stream().flatMap(found -> found.chain().stream()).anyMatch(event -> event.cr2()
                .isPresent());
    }

    /**
     * Returns an exception with the place and the instruction, such as
     * {@code #UD in memset+0x1f (memory.c:6): ud2  (0f 0b)}.
     */
    public static String line(Event exception, GuestInstruction at) {
        return exception + instructionAt(at);
    }

    /**
     * Returns an instruction, to follow what it did, such as {@code in memset+0x1f (memory.c:6): ud2  (0f 0b)} behind a
     * space.
     */
    static String instructionAt(GuestInstruction at) {
        return place(at) + ": " + instruction(at);
    }

    /**
     * Returns where two engines part, such as {@code there: out 0xe9, al  (e6 e9) at 0x1006 in main+0x6 (main.c:5)},
     * as lines of text ended by LF; empty if it isn't one instruction.
     */
    public static String parting(Parting parting, String indentation) {
        StringBuilder text = new StringBuilder();
        parting.at()
                .ifPresent(at -> wrap(
                        text, indentation, "there: " + instruction(at) + " at " + Notation.hex(at.eip()) + place(at)));
        return text.toString();
    }

    private static String place(GuestInstruction at) {
        String source = at.source().map(FaultText::name).orElse("");
        return at.symbol()
                .map(symbol -> " in " + name(symbol) + (source.isEmpty() ? "" : " (" + source + ")"))
                .orElse(source.isEmpty() ? "" : " in " + source);
    }

    private static String instruction(GuestInstruction at) {
        return at.bytes().length == 0
                ? "the instruction could not be fetched"
                : (at.text() + "  (" + HexFormat.ofDelimiter(" ").formatHex(at.bytes()) + ")").replace(" ", UNBROKEN);
    }

    private static String lastInstructions(Fault fault, int most, String title) {
        List<GuestInstruction> all = fault.lastInstructions();
        List<GuestInstruction> last = all.subList(Math.max(0, all.size() - most), all.size());
        if (last.isEmpty()) {
            return "";
        }
        return "  " + title + ":\n" + instructions(last, CpuMode.of(fault.registers()));
    }

    /** Returns instructions with their places, one a line, lines ended by LF. */
    static String instructions(List<GuestInstruction> instructions, CpuMode mode) {
        String format = addressFormat(instructions, mode);
        List<String> symbols = whereTheFunctionChanges(instructions);
        int width = symbols.stream().mapToInt(String::length).max().orElse(0);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < instructions.size(); i++) {
            GuestInstruction instruction = instructions.get(i);
            String column = width == 0
                    ? ""
                    : symbols.get(i) + " ".repeat(width - symbols.get(i).length() + 2);
            String address = String.format(Locale.ROOT, format, instruction.eip());
            String line = "    " + address + "  " + column + instruction.text();
            text.append(PrintableText.printable(line.stripTrailing(), WIDTH - 3))
                    .append('\n');
        }
        return text.toString();
    }

    private static String addressFormat(List<GuestInstruction> instructions, CpuMode mode) {
        if (instructions.stream().anyMatch(instruction -> instruction.eip() >>> Integer.SIZE != 0)) {
            return "%016x";
        }
        return mode.usesDescriptors() ? "%08x" : "%04x";
    }

    /**
     * Returns the symbol of each instruction that is in another function than the one before, an empty text otherwise.
     */
    private static List<String> whereTheFunctionChanges(List<GuestInstruction> instructions) {
        List<String> symbols = new ArrayList<>();
        String before = "";
        for (GuestInstruction instruction : instructions) {
            String symbol = instruction.symbol().orElse("");
            String function = symbol.replaceFirst("\\+0x[0-9a-f]+$", "");
            symbols.add(function.equals(before) ? "" : name(symbol));
            before = function;
        }
        return symbols;
    }

    /** Symbols and source files are named whatever the image says, at any length. */
    static String name(String name) {
        return PrintableText.printable(name, NAME_WIDTH);
    }

    /** Appends a sentence in lines of at most 120 characters; those after the first are indented further. */
    public static void wrap(StringBuilder text, String indentation, String sentence) {
        StringBuilder lines = new StringBuilder();
        String rest = PrintableText.printable(sentence, SENTENCE_WIDTH);
        String indent = indentation;
        while (indent.length() + rest.length() > WIDTH) {
            int room = WIDTH - indent.length();
            int space = rest.lastIndexOf(' ', room);
            int end = space > 0 ? space : room;
            lines.append(indent).append(rest.substring(0, end).stripTrailing()).append('\n');
            rest = rest.substring(end).stripLeading();
            indent = indentation + "  ";
        }
        lines.append(indent).append(rest).append('\n');
        text.append(lines.toString().replace(UNBROKEN, " "));
    }
}
