package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.PointerTarget;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.text.Notation;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What lay where in memory: as a drawing, and as tables that say the same. */
public final class HtmlMemory {

    private static final int MOST_RANGES = 200;
    private static final int MOST_WARNINGS = 20;

    private HtmlMemory() {}

    public static Optional<HtmlSection> section(GuestRun run) {
        MemoryLayout layout = run.layout();
        List<PointerTarget> places =
                run.diagnosis().inspection().map(Inspection::places).orElse(List.of());
        return layout.ranges().isEmpty()
                ? Optional.empty()
                : Optional.of(new HtmlSection("Memory map", page -> write(page, layout, places, run.vcpu())));
    }

    private static void write(HtmlWriter page, MemoryLayout layout, List<PointerTarget> places, int vcpu) {
        layout.warnings().stream().limit(MOST_WARNINGS).forEach(warning -> page.open("p", "class", "warning")
                .element("b", "Warning: ")
                .text(warning)
                .close());
        page.open("div", "class", "map").open("figure");
        new MemoryMap(layout.ranges(), places, "overlap" + vcpu).write(page);
        page.element(
                "figcaption",
                "Guest physical memory when the machine was made; addresses grow downwards. It is not to scale:"
                        + " two strokes across the sides mark what is cut short.",
                "class",
                "dim");
        page.close().open("div");
        ranges(page, layout.ranges());
        if (!places.isEmpty()) {
            places(page, places);
        }
        page.close().close();
    }

    private static void ranges(HtmlWriter page, List<Range> all) {
        List<Range> ranges = all.subList(0, Math.min(MOST_RANGES, all.size()));
        boolean overlaps =
                ranges.stream().anyMatch(range -> !overlapped(range, ranges).isEmpty());
        HtmlTable table = overlaps
                ? HtmlTable.begin(page, "range", "first", "last", "size", "overlaps with")
                : HtmlTable.begin(page, "range", "first", "last", "size");
        for (Range range : ranges) {
            boolean isEmpty = range.start() >= range.end();
            String others = overlapped(range, ranges);
            table.row(others.isEmpty() ? null : "overlap")
                    .head(HtmlText.name(range.name()))
                    .number(Notation.hex(range.start()))
                    .number(isEmpty ? "" : Notation.hex(range.end() - 1))
                    .number(isEmpty ? "" : HtmlText.size(range.end() - range.start()));
            if (overlaps) {
                table.cell(HtmlText.name(others), null);
            }
        }
        table.end(all.size() - MOST_RANGES, "");
    }

    private static String overlapped(Range range, List<Range> ranges) {
        return ranges.stream()
                .filter(range::conflictsWith)
                .map(Range::name)
                .limit(4)
                .collect(Collectors.joining(", "));
    }

    private static void places(HtmlWriter page, List<PointerTarget> places) {
        HtmlTable table = HtmlTable.begin(page, "register", "points to", "physical");
        for (PointerTarget place : places) {
            table.row(null)
                    .head(place.register())
                    .number(Notation.hex(place.linear()))
                    .number(
                            place.physical().isPresent()
                                    ? Notation.hex(place.physical().getAsLong())
                                    : "not present");
        }
        table.end();
    }
}
