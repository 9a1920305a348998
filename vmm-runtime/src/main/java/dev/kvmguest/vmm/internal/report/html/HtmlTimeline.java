package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.TakenEvent;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.diagnosis.Timeline.Entry;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.board.PortNames;
import dev.kvmguest.vmm.internal.report.text.ExceptionWords;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.text.ConsoleText;
import dev.kvmguest.vmm.text.Notation;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What a guest and its machine gave each other: exceptions that it handled, the timeline, ports. */
public final class HtmlTimeline {

    private static final int MOST_EXCEPTIONS = 200;
    private static final int MOST_ENTRIES = 500;
    private static final int MOST_PORTS = 100;
    private static final int MOST_NUMBERS = 100;
    private static final int MOST_BYTES = 16;
    private static final int MOST_CHARACTERS = 400;

    private static final Set<Integer> CONSOLES = Set.of(PcBoard.DEBUG_CONSOLE, PcBoard.COM1, PcBoard.HYPERCALL);

    private HtmlTimeline() {}

    public static Optional<HtmlSection> exceptions(List<HandledException> exceptions, HtmlCode code) {
        return exceptions.isEmpty()
                ? Optional.empty()
                : Optional.of(new HtmlSection("Handled exceptions", page -> exceptions(page, exceptions, code)));
    }

    /** Returns what handlers were entered for, and how often. */
    public static Optional<HtmlSection> taken(List<TakenEvent> taken, HtmlCode code) {
        return taken.isEmpty()
                ? Optional.empty()
                : Optional.of(new HtmlSection("Exceptions and interrupts", page -> taken(page, taken, code)));
    }

    private static void taken(HtmlWriter page, List<TakenEvent> taken, HtmlCode code) {
        HtmlTable table = HtmlTable.begin(page, "what", "times", "address", "function", "instruction");
        for (TakenEvent event : taken.subList(0, Math.min(MOST_EXCEPTIONS, taken.size()))) {
            table.row(null)
                    .head(event.name())
                    .number(String.format(Locale.ROOT, "%,d", event.times()))
                    .number(event.at().map(at -> code.address(at.eip())).orElse(""))
                    .cell(
                            event.at()
                                    .flatMap(GuestInstruction::symbol)
                                    .map(HtmlText::name)
                                    .orElse(""),
                            "symbol")
                    .code(event.at().map(at -> HtmlText.name(at.text())).orElse(""));
        }
        table.end(taken.size() - MOST_EXCEPTIONS, "");
    }

    private static void exceptions(HtmlWriter page, List<HandledException> exceptions, HtmlCode code) {
        HtmlTable table = HtmlTable.begin(page, "exception", "name", "address", "function", "line", "instruction");
        for (HandledException handled : exceptions.subList(0, Math.min(MOST_EXCEPTIONS, exceptions.size()))) {
            table.row(null)
                    .head(handled.exception().toString())
                    .cell(ExceptionWords.name(handled.exception()).orElse(""), null)
                    .number(code.address(handled.at().eip()))
                    .cell(handled.at().symbol().map(HtmlText::name).orElse(""), "symbol")
                    .cell(handled.at().source().map(HtmlText::name).orElse(""), "dim")
                    .code(HtmlText.name(handled.at().text()));
        }
        table.end(exceptions.size() - MOST_EXCEPTIONS, "");
    }

    /** @param pointer the name of the instruction pointer, as a column's */
    public static Optional<HtmlSection> timeline(Timeline timeline, String pointer) {
        return timeline.entries().isEmpty()
                ? Optional.empty()
                : Optional.of(new HtmlSection("Timeline", page -> timeline(page, timeline, pointer)));
    }

    private static void timeline(HtmlWriter page, Timeline timeline, String pointer) {
        List<Entry> entries = timeline.entries();
        List<Entry> shown = entries.subList(Math.max(0, entries.size() - MOST_ENTRIES), entries.size());
        long omitted = timeline.omitted()
                + entries.subList(0, entries.size() - shown.size()).stream()
                        .mapToLong(Entry::times)
                        .sum();
        page.element(
                "p",
                "What the guest exchanged with its machine, the last at the bottom"
                        + (omitted == 0 ? "." : String.format(Locale.ROOT, "; %,d exchanges came before.", omitted)),
                "class",
                "dim");
        HtmlTable table = HtmlTable.begin(
                page, "scroll tall tail", List.of("what", "where", "device", "value", "text", "times", pointer));
        ConsoleRows.of(shown).forEach(row -> row(table, row));
        table.end();
    }

    private static void row(HtmlTable table, ConsoleRows.Row row) {
        Entry entry = row.entry();
        boolean interrupt = entry.kind() == Timeline.Kind.INTERRUPT;
        boolean halt = entry.kind() == Timeline.Kind.HALT;
        table.row(interrupt || halt ? "event" : null)
                .head(entry.kind().name().toLowerCase(Locale.ROOT))
                .number(halt ? "" : interrupt ? "vector " + entry.address() : Notation.hex(entry.address()))
                .cell(device(row), "dim")
                .number(values(entry))
                .cell(row.isText() ? written(entry) : isText(entry) ? HtmlText.ascii(last(entry.values())) : "", "text")
                .number(entry.times() == 1 ? "" : "\u00d7" + entry.times())
                .number(entry.eip().isPresent() ? Notation.hex(entry.eip().getAsLong()) : "");
    }

    private static String device(ConsoleRows.Row row) {
        return isPort(row.entry())
                ? PortNames.of((int) row.entry().address()).orElse("no device")
                        + (row.looks() == 0 ? "" : "; line status read \u00d7" + row.looks() + " in between")
                : "";
    }

    /** Returns what went to a console, in one line. */
    private static String written(Entry entry) {
        byte[] known = entry.values();
        int from = Math.max(0, known.length - MOST_CHARACTERS);
        String text = new String(known, from, known.length - from, StandardCharsets.UTF_8);
        return (known.length - from < entry.times() ? "\u2026" : "") + ConsoleText.quoted(text);
    }

    /**
     * Returns whether the values may be characters, as those of consoles are, and perhaps those of ports without a
     * device.
     */
    private static boolean isText(Entry entry) {
        return isPort(entry) && isText((int) entry.address());
    }

    private static boolean isPort(Entry entry) {
        return entry.kind() == Timeline.Kind.IN || entry.kind() == Timeline.Kind.OUT;
    }

    private static boolean isText(int port) {
        return CONSOLES.contains(port) || PortNames.of(port).isEmpty();
    }

    /** Returns the last values as numbers of the width that was used. */
    private static String values(Entry entry) {
        byte[] bytes = last(entry.values());
        int width = Math.max(1, entry.width().orElse(1));
        StringBuilder text = new StringBuilder(bytes.length < entry.values().length ? "\u2026 " : "");
        for (int i = bytes.length % width; i + width <= bytes.length; i += width) {
            byte[] value = Arrays.copyOfRange(bytes, i, i + width);
            text.append(i == bytes.length % width ? "" : " ");
            for (int octet = width - 1; octet >= 0; octet--) {
                text.append(HexFormat.of().toHexDigits(value[octet]));
            }
        }
        return text.toString();
    }

    private static byte[] last(byte[] bytes) {
        return Arrays.copyOfRange(bytes, Math.max(0, bytes.length - MOST_BYTES), bytes.length);
    }

    public static Optional<HtmlSection> ports(GuestRun run) {
        boolean nothing = run.ports().isEmpty()
                && run.unclaimedPorts().isEmpty()
                && run.unclaimedMemory().isEmpty();
        return nothing ? Optional.empty() : Optional.of(new HtmlSection("Ports", page -> ports(page, run)));
    }

    private static void ports(HtmlWriter page, GuestRun run) {
        unclaimed(page, "Ports without a device that it used", run.unclaimedPorts());
        unclaimed(page, "Addresses without RAM that it used", run.unclaimedMemory());
        if (run.ports().isEmpty()) {
            return;
        }
        HtmlTable table = HtmlTable.begin(page, "port", "device", "bytes written", "the last ones", "text");
        run.ports().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .limit(MOST_PORTS)
                .forEach(port -> {
                    byte[] last = last(port.getValue());
                    table.row(null)
                            .head(Notation.hex(port.getKey()))
                            .cell(PortNames.of(port.getKey()).orElse("no device"), "dim")
                            .number(String.format(Locale.ROOT, "%,d", port.getValue().length))
                            .number(HexFormat.ofDelimiter(" ").formatHex(last))
                            .number(isText(port.getKey()) ? HtmlText.ascii(last) : "");
                });
        table.end(run.ports().size() - MOST_PORTS, "ports ");
    }

    private static void unclaimed(HtmlWriter page, String what, Collection<? extends Number> numbers) {
        if (!numbers.isEmpty()) {
            String list = numbers.stream()
                    .limit(MOST_NUMBERS)
                    .map(number -> Notation.hex(number.longValue()))
                    .collect(Collectors.joining(", "));
            page.element("p", what + ": " + list + (numbers.size() > MOST_NUMBERS ? ", \u2026" : ""));
        }
    }
}
