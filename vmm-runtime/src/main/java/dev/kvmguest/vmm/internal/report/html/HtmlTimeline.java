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
import dev.kvmguest.vmm.text.Notation;
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
        page.open("div", "class", "scroll", "tabindex", "0").open("table");
        HtmlRegisters.head(page, "what", "times", "address", "function", "instruction");
        for (TakenEvent event : taken.subList(0, Math.min(MOST_EXCEPTIONS, taken.size()))) {
            page.open("tr").element("th", event.name(), "scope", "row");
            page.element("td", String.format(Locale.ROOT, "%,d", event.times()), "class", "number");
            page.element("td", event.at().map(at -> code.address(at.eip())).orElse(""), "class", "number");
            page.element(
                    "td",
                    event.at()
                            .flatMap(GuestInstruction::symbol)
                            .map(HtmlText::name)
                            .orElse(""),
                    "class",
                    "symbol");
            page.open("td")
                    .element(
                            "code",
                            event.at().map(at -> HtmlText.name(at.text())).orElse(""))
                    .close()
                    .close();
        }
        page.close().close().close();
        if (taken.size() > MOST_EXCEPTIONS) {
            page.element("p", taken.size() - MOST_EXCEPTIONS + " more are not shown.", "class", "dim");
        }
    }

    private static void exceptions(HtmlWriter page, List<HandledException> exceptions, HtmlCode code) {
        page.open("div", "class", "scroll", "tabindex", "0").open("table");
        HtmlRegisters.head(page, "exception", "name", "address", "function", "line", "instruction");
        for (HandledException handled : exceptions.subList(0, Math.min(MOST_EXCEPTIONS, exceptions.size()))) {
            page.open("tr").element("th", handled.exception().toString(), "scope", "row");
            page.element("td", ExceptionWords.name(handled.exception()).orElse(""));
            page.element("td", code.address(handled.at().eip()), "class", "number");
            page.element("td", handled.at().symbol().map(HtmlText::name).orElse(""), "class", "symbol");
            page.element("td", handled.at().source().map(HtmlText::name).orElse(""), "class", "dim");
            page.open("td")
                    .element("code", HtmlText.name(handled.at().text()))
                    .close()
                    .close();
        }
        page.close().close().close();
        if (exceptions.size() > MOST_EXCEPTIONS) {
            page.element("p", exceptions.size() - MOST_EXCEPTIONS + " more are not shown.", "class", "dim");
        }
    }

    public static Optional<HtmlSection> timeline(Timeline timeline) {
        return timeline.entries().isEmpty()
                ? Optional.empty()
                : Optional.of(new HtmlSection("Timeline", page -> timeline(page, timeline)));
    }

    private static void timeline(HtmlWriter page, Timeline timeline) {
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
        page.open("div", "class", "scroll tall tail", "tabindex", "0").open("table");
        HtmlRegisters.head(page, "what", "where", "device", "value", "text", "times", "EIP");
        for (Entry entry : shown) {
            entry(page, entry);
        }
        page.close().close().close();
    }

    private static void entry(HtmlWriter page, Entry entry) {
        boolean interrupt = entry.kind() == Timeline.Kind.INTERRUPT;
        boolean halt = entry.kind() == Timeline.Kind.HALT;
        boolean port = entry.kind() == Timeline.Kind.IN || entry.kind() == Timeline.Kind.OUT;
        page.open("tr", "class", interrupt || halt ? "event" : null);
        page.element("th", entry.kind().name().toLowerCase(Locale.ROOT), "scope", "row");
        page.element(
                "td",
                halt ? "" : interrupt ? "vector " + entry.address() : Notation.hex(entry.address()),
                "class",
                "number");
        page.element("td", port ? PortNames.of((int) entry.address()).orElse("no device") : "", "class", "dim");
        page.element("td", values(entry), "class", "number");
        page.element("td", isText(entry) ? HtmlText.ascii(last(entry.values())) : "", "class", "number");
        page.element("td", entry.times() == 1 ? "" : "\u00d7" + entry.times(), "class", "number");
        page.element("td", entry.eip().isPresent() ? Notation.hex(entry.eip().getAsLong()) : "", "class", "number");
        page.close();
    }

    /**
     * Returns whether the values may be characters, as those of consoles are, and perhaps those of ports without a
     * device.
     */
    private static boolean isText(Entry entry) {
        boolean port = entry.kind() == Timeline.Kind.IN || entry.kind() == Timeline.Kind.OUT;
        return port && isText((int) entry.address());
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
        page.open("div", "class", "scroll", "tabindex", "0").open("table");
        HtmlRegisters.head(page, "port", "device", "bytes written", "the last ones", "text");
        run.ports().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .limit(MOST_PORTS)
                .forEach(port -> {
                    byte[] last = last(port.getValue());
                    page.open("tr").element("th", Notation.hex(port.getKey()), "scope", "row");
                    page.element("td", PortNames.of(port.getKey()).orElse("no device"), "class", "dim");
                    page.element("td", String.format(Locale.ROOT, "%,d", port.getValue().length), "class", "number");
                    page.element("td", HexFormat.ofDelimiter(" ").formatHex(last), "class", "number");
                    page.element("td", isText(port.getKey()) ? HtmlText.ascii(last) : "", "class", "number");
                    page.close();
                });
        page.close().close().close();
        if (run.ports().size() > MOST_PORTS) {
            page.element("p", run.ports().size() - MOST_PORTS + " more ports are not shown.", "class", "dim");
        }
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
