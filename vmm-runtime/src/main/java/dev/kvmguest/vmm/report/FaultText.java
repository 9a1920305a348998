package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.Fault;
import dev.kvmguest.vmm.Fault.Event;
import dev.kvmguest.vmm.Fault.Instruction;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** What led to a triple fault, as the part of a {@link TextReport} that comes first. */
final class FaultText {

    /** So that a report of usual parts has about 25 lines, whatever the guest did. */
    private static final int INSTRUCTIONS = 8;

    private static final int WIDTH = 120;
    private static final int NAME_WIDTH = 48;
    private static final int SENTENCE_WIDTH = 600;

    private FaultText() {}

    /** Returns where it began and with what, to follow "triple-faulted" in a sentence. */
    static String where(Fault fault) {
        return " at " + fault.registers().codeAddress(fault.at().eip())
                + fault.at().symbol().map(symbol -> " in " + name(symbol)).orElse("") + " by "
                + fault.first().name();
    }

    /** Returns the exceptions with their causes, advice and the last instructions; lines ended by LF. */
    static String story(Fault fault) {
        StringBuilder text = new StringBuilder();
        wrap(text, "  ", fault.first() + place(fault.at()) + ": " + instruction(fault.at()));
        fault.first().cause().ifPresent(cause -> wrap(text, "    ", "cause: " + cause));
        for (Event event : fault.chain().subList(1, fault.chain().size())) {
            wrap(
                    text,
                    "    ",
                    "-> " + event + event.cause().map(cause -> ": " + cause).orElse(""));
        }
        wrap(text, "    ", "-> shutdown: " + fault.shutdown());
        fault.advice().forEach(advice -> wrap(text, "  ", "advice: " + advice));
        return text.append(lastInstructions(fault)).toString();
    }

    private static String place(Instruction at) {
        String source = at.source().map(FaultText::name).orElse("");
        return at.symbol()
                .map(symbol -> " in " + name(symbol) + (source.isEmpty() ? "" : " (" + source + ")"))
                .orElse(source.isEmpty() ? "" : " in " + source);
    }

    private static String instruction(Instruction at) {
        return at.bytes().length == 0
                ? "the instruction could not be fetched"
                : at.text() + "  (" + HexFormat.ofDelimiter(" ").formatHex(at.bytes()) + ")";
    }

    private static String lastInstructions(Fault fault) {
        List<Instruction> all = fault.lastInstructions();
        List<Instruction> last = all.subList(Math.max(0, all.size() - INSTRUCTIONS), all.size());
        if (last.isEmpty()) {
            return "";
        }
        List<String> symbols = whereTheFunctionChanges(last);
        int width = symbols.stream().mapToInt(String::length).max().orElse(0);
        boolean protectedMode = fault.registers().protectedMode();
        StringBuilder text = new StringBuilder("  last instructions:\n");
        for (int i = 0; i < last.size(); i++) {
            Instruction instruction = last.get(i);
            String column = width == 0
                    ? ""
                    : symbols.get(i) + " ".repeat(width - symbols.get(i).length() + 2);
            String address = String.format(Locale.ROOT, protectedMode ? "%08x" : "%04x", instruction.eip());
            String line = "    " + address + "  " + column + instruction.text();
            text.append(TextReport.printable(line.stripTrailing(), WIDTH - 3)).append('\n');
        }
        return text.toString();
    }

    /** Returns the symbol of each instruction that is in another function than the one before, an empty text otherwise. */
    private static List<String> whereTheFunctionChanges(List<Instruction> instructions) {
        List<String> symbols = new ArrayList<>();
        String before = "";
        for (Instruction instruction : instructions) {
            String symbol = instruction.symbol().orElse("");
            String function = symbol.replaceFirst("\\+0x[0-9a-f]+$", "");
            symbols.add(function.equals(before) ? "" : name(symbol));
            before = function;
        }
        return symbols;
    }

    /** Symbols and source files are named whatever the image says, at any length. */
    private static String name(String name) {
        return TextReport.printable(name, NAME_WIDTH);
    }

    /** Appends a sentence in lines of at most 120 characters; those behind the first are indented further. */
    private static void wrap(StringBuilder text, String indentation, String sentence) {
        String rest = TextReport.printable(sentence, SENTENCE_WIDTH);
        String indent = indentation;
        while (indent.length() + rest.length() > WIDTH) {
            int room = WIDTH - indent.length();
            int space = rest.lastIndexOf(' ', room);
            int end = space > 0 ? space : room;
            text.append(indent).append(rest.substring(0, end).stripTrailing()).append('\n');
            rest = rest.substring(end).stripLeading();
            indent = indentation + "  ";
        }
        text.append(indent).append(rest).append('\n');
    }
}
