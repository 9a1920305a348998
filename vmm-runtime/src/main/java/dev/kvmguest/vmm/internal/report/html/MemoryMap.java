package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Inspection.PointerTarget;
import dev.kvmguest.vmm.internal.report.html.MemoryLanes.Block;
import dev.kvmguest.vmm.internal.report.html.MemoryScale.Band;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.text.Notation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A drawing of memory in SVG: the ranges below each other, ranges that overlap beside each other, and hatched where
 * they do; an address at each edge, marks where a range or a gap is cut short, and on the right what registers point
 * to.
 *
 * <p>{@link MemoryScale} says how far down, {@link MemoryLanes} how far to the right.
 */
final class MemoryMap {

    /** More would be no drawing that anybody reads; the tables beside it have all. */
    private static final int MOST_RANGES = 60;

    private static final int WIDTH = 420;
    private static final int LEFT = 84;
    private static final int RIGHT = 312;

    /** Half as wide as a mark of a break, and as high as its strokes. */
    private static final int BREAK = 8;
    /** From one stroke of it to the other. */
    private static final int BREAK_GAP = 5;

    private static final int LINE = MemoryScale.LINE;
    private static final double CHARACTER = 6.6;

    private final List<Range> ranges;
    private final List<PointerTarget> places;
    private final String patternId;
    private final MemoryScale scale;

    /**
     * Creates a drawing.
     *
     * @param patternId an id for what the drawing defines, unlike any other on the page
     */
    MemoryMap(List<Range> ranges, List<PointerTarget> places, String patternId) {
        this.ranges = ranges.subList(0, Math.min(MOST_RANGES, ranges.size()));
        this.places = places.stream()
                .filter(place -> place.physical().isPresent())
                .sorted(Comparator.comparingLong(MemoryScale::address))
                .toList();
        this.patternId = patternId;
        this.scale = new MemoryScale(this.ranges, this.places);
    }

    /** Writes the drawing. */
    void write(HtmlWriter page) {
        List<Double> labels = labels();
        double bottom = labels.stream().mapToDouble(y -> y + 4).max().orElse(0);
        int height = MemoryScale.MARGIN + (int) Math.max(scale.bottom(), bottom);
        page.open(
                "svg",
                "xmlns",
                "http://www.w3.org/2000/svg",
                "viewBox",
                "0 0 " + WIDTH + " " + height,
                "role",
                "img",
                "aria-label",
                "memory map; the tables beside it say the same");
        pattern(page);
        scale.bands().stream().filter(scale::isGap).forEach(band -> gap(page, band));
        List<Block> blocks = MemoryLanes.of(ranges, LEFT, RIGHT);
        blocks.forEach(block -> block(page, block));
        scale.bands().stream().filter(scale::hasConflict).forEach(band -> overlap(page, band));
        scale.bands().stream().filter(Band::isBroken).forEach(band -> breakMarks(page, band, blocks));
        scale.edges().forEach(address -> edge(page, address));
        ranges.stream().filter(range -> range.start() >= range.end()).forEach(range -> line(page, range));
        for (int i = 0; i < places.size(); i++) {
            marker(page, places.get(i), labels.get(i));
        }
        page.close();
    }

    private void pattern(HtmlWriter page) {
        page.open("defs")
                .open(
                        "pattern",
                        "id",
                        patternId,
                        "width",
                        "8",
                        "height",
                        "8",
                        "patternUnits",
                        "userSpaceOnUse",
                        "patternTransform",
                        "rotate(45)");
        rect(page, "hatch", 0, 0, 4, 8);
        page.close().close();
    }

    private void gap(HtmlWriter page, Band band) {
        rect(page, "gap", LEFT, band.y(), RIGHT - LEFT, band.height());
        boolean behindRam =
                ranges.stream().anyMatch(range -> range.kind() == Kind.END_OF_RAM && range.start() <= band.start());
        String text = (behindRam ? "no RAM, " : "") + HtmlText.size(band.end() - band.start());
        text(page, "dim", "middle", (LEFT + RIGHT) / 2.0, band.y() + band.height() / 2.0 + 4, text);
    }

    private void block(HtmlWriter page, Block block) {
        double y = scale.yOf(block.range().start());
        double height = scale.yOf(block.range().end()) - y;
        page.open("g", "class", "kind " + cssClass(block.range().kind()));
        page.element("title", block.range().toString());
        rect(page, null, block.x(), y, block.width(), height);
        if (!scale.isAllConflict(block.range())) {
            label(page, block);
        }
        page.close();
    }

    private void label(HtmlWriter page, Block block) {
        int room = (int) ((block.nameWidth() - 6) / CHARACTER);
        Band free = scale.namePlace(block.range());
        boolean twoLines = free.height() >= 2 * LINE + 6;
        double center = block.x() + block.nameWidth() / 2;
        double middle = free.y() + free.height() / 2.0 + (twoLines ? -3 : 4);
        text(page, null, "middle", center, middle, shortened(name(block.range(), room), room));
        if (twoLines) {
            String size = HtmlText.size(block.range().end() - block.range().start());
            text(page, "dim", "middle", center, middle + LINE, shortened(size, room));
        }
    }

    /** Returns the name or, where there is too little room for it, what the range is. */
    private static String name(Range range, int room) {
        String name = range.name().replaceFirst("^the ", "");
        return name.length() <= room
                ? name
                : switch (range.kind()) {
                    case BSS -> "BSS";
                    case STACK -> "stack";
                    default -> name;
                };
    }

    private static String cssClass(Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static String shortened(String text, int room) {
        return text.length() <= room ? text : HtmlText.cut(text, Math.max(1, room - 1));
    }

    private void overlap(HtmlWriter page, Band band) {
        page.open("g", "class", "overlap");
        page.open(
                        "rect",
                        "x",
                        "" + LEFT,
                        "y",
                        "" + band.y(),
                        "width",
                        "" + (RIGHT - LEFT),
                        "height",
                        "" + band.height(),
                        "fill",
                        "url(#" + patternId + ")")
                .close();
        String text = "overlap, " + HtmlText.size(band.end() - band.start());
        double center = (LEFT + RIGHT) / 2.0;
        double middle = band.y() + band.height() / 2.0 + 4;
        int room = (int) ((RIGHT - LEFT) / CHARACTER);
        // What is hatched as a whole has no room for its name but here.
        Optional<Range> hidden = band.height() < 2 * LINE + 6
                ? Optional.empty()
                : ranges.stream()
                        .filter(range -> range.start() <= band.start()
                                && band.end() <= range.end()
                                && scale.isAllConflict(range))
                        .findFirst();
        hidden.ifPresent(
                range -> text(page, null, "middle", center, middle - LINE / 2.0, shortened(name(range, room), room)));
        text(page, null, "middle", center, hidden.isPresent() ? middle + LINE / 2.0 : middle, text);
        page.close();
    }

    /** Draws two strokes across either side of a band, as where an axis is broken. */
    private static void breakMarks(HtmlWriter page, Band band, List<Block> blocks) {
        double y = band.y() + band.height() / 2.0;
        double right = blocks.stream()
                .filter(block -> block.range().start() <= band.start()
                        && band.end() <= block.range().end())
                .mapToDouble(block -> block.x() + block.width())
                .max()
                .orElse(RIGHT);
        page.open("g", "class", "break").element("title", "cut short");
        for (double x : new double[] {LEFT, right}) {
            String stroke = "l" + 2 * BREAK + " " + -BREAK;
            String above = "M" + number(x - BREAK) + " " + number(y - BREAK_GAP / 2.0 + BREAK / 2.0) + stroke;
            String below = "M" + number(x - BREAK) + " " + number(y + BREAK_GAP / 2.0 + BREAK / 2.0) + stroke;
            String between = above + "v" + BREAK_GAP + "l" + -2 * BREAK + " " + BREAK + "z";
            page.open("path", "class", "between", "d", between).close();
            page.open("path", "d", above + below).close();
        }
        page.close();
    }

    private void edge(HtmlWriter page, long address) {
        double y = scale.yOf(address);
        page.open("path", "class", "edge", "d", "M" + (LEFT - 6) + " " + number(y) + "H" + LEFT)
                .close();
        text(page, "address", "end", LEFT - 9, y + 4, Notation.hex(address));
    }

    /** Draws a range of no bytes, such as the end of RAM. */
    private void line(HtmlWriter page, Range range) {
        double y = scale.yOf(range.start());
        page.open("path", "class", "end", "d", "M" + LEFT + " " + number(y) + "H" + RIGHT)
                .close();
        text(page, null, "start", RIGHT + 6, y + 4, shortened(range.name(), 15));
    }

    /** Returns where the names of the registers go, which must not lie upon each other. */
    private List<Double> labels() {
        List<Double> labels = new ArrayList<>();
        double next = 0;
        for (PointerTarget place : places) {
            double y = Math.max(next, scale.yOf(MemoryScale.address(place)));
            labels.add(y);
            next = y + LINE;
        }
        return labels;
    }

    private void marker(HtmlWriter page, PointerTarget place, double labelY) {
        page.open("g", "class", "marker " + place.register().toLowerCase(Locale.ROOT));
        page.open(
                        "path",
                        "d",
                        "M" + RIGHT + " " + number(scale.yOf(MemoryScale.address(place))) + "L" + (RIGHT + 12) + " "
                                + number(labelY))
                .close();
        text(
                page,
                null,
                "start",
                RIGHT + 15,
                labelY + 4,
                place.register() + " " + Notation.hex(MemoryScale.address(place)));
        page.close();
    }

    private static void rect(HtmlWriter page, String cssClass, double x, double y, double width, double height) {
        page.open(
                        "rect",
                        "class",
                        cssClass,
                        "x",
                        number(x),
                        "y",
                        number(y),
                        "width",
                        number(width),
                        "height",
                        number(height))
                .close();
    }

    private static void text(HtmlWriter page, String cssClass, String anchor, double x, double y, String text) {
        page.element("text", text, "class", cssClass, "text-anchor", anchor, "x", number(x), "y", number(y));
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }
}
