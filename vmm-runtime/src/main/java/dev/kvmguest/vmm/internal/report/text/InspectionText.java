package dev.kvmguest.vmm.internal.report.text;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.Frame;
import dev.kvmguest.vmm.diagnosis.Inspection.PageWalk;
import dev.kvmguest.vmm.diagnosis.Inspection.PointerTarget;
import dev.kvmguest.vmm.diagnosis.Inspection.Table;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What a dead or stuck guest's memory tells, as parts of a text report; lines ended by LF. */
public final class InspectionText {

    private InspectionText() {}

    /** A caller, and how often it comes in a row. */
    private record Repeated(Frame frame, int times) {}

    /**
     * Returns the callers, one a line, the innermost first; of a function that calls itself the same call only once.
     *
     * @param most the most lines
     */
    public static String callChain(Inspection inspection, int most) {
        List<Repeated> callers = callers(inspection.callChain());
        int shown = callers.size() <= most ? callers.size() : most - 1;
        List<String> lines = new ArrayList<>();
        callers.subList(0, shown)
                .forEach(caller -> lines.add(
                        line(caller.frame()) + (caller.times() == 1 ? "" : ", " + caller.times() + " times")));
        int rest = callers.subList(shown, callers.size()).stream()
                .mapToInt(Repeated::times)
                .sum();
        if (rest > 0) {
            lines.add("and " + rest + " more callers");
        }
        if (inspection.callChain().size() >= Inspection.MOST_FRAMES) {
            lines.set(lines.size() - 1, lines.get(lines.size() - 1) + ", if not more");
        }
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> FaultText.wrap(text, "  ", line));
        return text.toString();
    }

    private static List<Repeated> callers(List<Frame> frames) {
        List<Repeated> callers = new ArrayList<>();
        for (Frame frame : frames) {
            int last = callers.size() - 1;
            if (last >= 0 && callers.get(last).frame().equals(frame)) {
                callers.set(last, new Repeated(frame, callers.get(last).times() + 1));
            } else {
                callers.add(new Repeated(frame, 1));
            }
        }
        return callers;
    }

    private static String line(Frame frame) {
        return (frame.certain() ? "" : "probably ")
                + (frame.interrupted() ? "interrupted " : "called from ")
                + frame.symbol().map(FaultText::name).orElseGet(() -> hex(frame.eip()))
                + frame.source()
                        .map(source -> " (" + FaultText.name(source) + ")")
                        .orElse("");
    }

    /** Returns the walk through the page tables, an entry a line. */
    public static String pageWalk(PageWalk walk) {
        StringBuilder text = new StringBuilder();
        FaultText.wrap(text, "  ", "page walk of " + hex(walk.linear()) + ": " + walk.result());
        walk.levels()
                .forEach(level -> FaultText.wrap(
                        text,
                        "    ",
                        level.name() + " at " + hex(level.address()) + " = " + hex(level.entry()) + ": "
                                + level.meaning()));
        return text.toString();
    }

    /** Returns the descriptor tables, what is alike in a row on one line. */
    public static String tables(Inspection inspection) {
        StringBuilder text = new StringBuilder();
        for (Table table : inspection.tables()) {
            text.append("  ").append(table.name()).append(" at ").append(hex(table.base()));
            text.append(", limit ").append(hex(table.limit())).append(":\n");
            table.rows().forEach(row -> FaultText.wrap(text, "    ", line(table.name(), row)));
        }
        return text.toString();
    }

    private static String line(String table, Table.Row row) {
        String index = row.first() == row.last() ? "" + row.first() : row.first() + "-" + row.last();
        return table + "[" + index + "] " + row.meaning();
    }

    /** Returns where registers point, with what was there when the guest started. */
    public static String places(Inspection inspection, MemoryLayout layout) {
        StringBuilder text = new StringBuilder();
        inspection.places().forEach(place -> FaultText.wrap(text, "  ", line(place, layout)));
        return text.toString();
    }

    private static String line(PointerTarget place, MemoryLayout layout) {
        String start = place.register() + " " + hex(place.linear());
        if (place.physical().isEmpty()) {
            return start + " is not mapped";
        }
        long physical = place.physical().getAsLong();
        List<Range> ranges = layout.at(physical);
        String there = ranges.stream()
                .filter(range -> ranges.stream().noneMatch(stack -> stack.isStackIn(range)))
                .map(Range::name)
                .collect(Collectors.joining(" and "));
        return start + " is" + (physical == place.linear() ? "" : " physical " + hex(physical) + ",")
                + (there.isEmpty() ? " in nothing that was there at the start" : " in " + there);
    }

    /** Returns what lies where it shouldn't, a sentence a line. */
    public static String overlaps(MemoryLayout layout) {
        StringBuilder text = new StringBuilder();
        layout.overlaps()
                .forEach(
                        overlap -> FaultText.wrap(text, "  ", "overlap: " + overlap.one() + " and " + overlap.other()));
        return text.toString();
    }
}
