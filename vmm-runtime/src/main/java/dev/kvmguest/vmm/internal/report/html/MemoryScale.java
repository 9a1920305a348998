package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Inspection.PointerTarget;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * How far down on a {@link MemoryMap} an address is.
 *
 * <p>It is not to scale. Between two edges of ranges there is at least room for a line of text; what is larger is drawn
 * larger, by its logarithm. Where that would take too much room, for gigabytes or for nothing, a band is broken: it is
 * drawn shorter, and has a mark.
 */
final class MemoryScale {

    /** Above the first edge and below the last one. */
    static final int MARGIN = 10;
    /** The height of a line of text. */
    static final int LINE = 15;

    private static final int LEAST_HEIGHT = 26;
    private static final int MOST_HEIGHT = 80;
    private static final int GAP_HEIGHT = 30;

    /** From one edge to the next; {@code y} is where its first address is. */
    record Band(long start, long end, int y, int height) {

        /** Returns whether it is drawn shorter than its size asks for. */
        boolean isBroken() {
            return height < wanted(start, end);
        }

        private double yOf(long address) {
            return y + (double) height * (address - start) / (end - start);
        }
    }

    private final List<Range> ranges;
    private final List<PointerTarget> places;
    private final List<Band> bands = new ArrayList<>();
    private final Set<Band> conflicts = new HashSet<>();

    /**
     * Creates a scale on which these have room.
     *
     * @param places those that have physical addresses
     */
    MemoryScale(List<Range> ranges, List<PointerTarget> places) {
        this.ranges = ranges;
        this.places = places;
        TreeSet<Long> edges = new TreeSet<>(List.of(0L));
        ranges.forEach(range -> edges.addAll(List.of(range.start(), range.end())));
        places.stream()
                .map(MemoryScale::address)
                .filter(address -> address >= edges.last())
                .forEach(address -> {
                    edges.add(address);
                    edges.add(address + 1);
                });
        int y = MARGIN;
        List<Long> sorted = List.copyOf(edges);
        for (int i = 0; i + 1 < sorted.size(); i++) {
            int height = height(sorted.get(i), sorted.get(i + 1));
            bands.add(new Band(sorted.get(i), sorted.get(i + 1), y, height));
            y += height;
        }
        bands.stream().filter(this::findsConflict).forEach(conflicts::add);
    }

    private int height(long start, long end) {
        int registers = (int) places.stream()
                .filter(place -> start <= address(place) && address(place) < end)
                .count();
        int height = covering(start, end).isEmpty()
                ? GAP_HEIGHT
                : Math.max(LEAST_HEIGHT, Math.min(MOST_HEIGHT, wanted(start, end)));
        return Math.max(height, registers * LINE + LINE);
    }

    /** Returns how high a band would be if there were room for all. */
    private static int wanted(long start, long end) {
        return 5 * (Long.SIZE - Long.numberOfLeadingZeros(end - start));
    }

    /** Returns the physical address of a place that has one. */
    static long address(PointerTarget place) {
        return place.physical().getAsLong();
    }

    /** Returns the parts between the edges, from the top. */
    List<Band> bands() {
        return bands;
    }

    /** Returns where bands begin and end, from the top. */
    List<Long> edges() {
        List<Long> edges = new ArrayList<>();
        bands.forEach(band -> edges.add(band.start()));
        bands.stream().skip(Math.max(0, bands.size() - 1)).forEach(band -> edges.add(band.end()));
        return edges;
    }

    /** Returns where the last band ends. */
    int bottom() {
        return bands.isEmpty()
                ? MARGIN
                : bands.get(bands.size() - 1).y() + bands.get(bands.size() - 1).height();
    }

    /** Returns where an address is; for one past the last band, where that ends. */
    double yOf(long address) {
        return bands.stream()
                .filter(band -> address < band.end())
                .findFirst()
                .map(band -> band.yOf(address))
                .orElse((double) bottom());
    }

    /** Returns whether no range is there. */
    boolean isGap(Band band) {
        return covering(band.start(), band.end()).isEmpty();
    }

    /** Returns whether ranges are there that should not have addresses in common. */
    boolean hasConflict(Band band) {
        return conflicts.contains(band);
    }

    private boolean findsConflict(Band band) {
        List<Range> covering = covering(band.start(), band.end());
        return covering.stream().anyMatch(one -> covering.stream().anyMatch(one::conflictsWith));
    }

    /** Returns whether a range shares all of its addresses with ranges that it should not. */
    boolean isAllConflict(Range range) {
        return range.start() < range.end() && inside(range).stream().allMatch(this::hasConflict);
    }

    private List<Band> inside(Range range) {
        return bands.stream()
                .filter(band -> range.start() <= band.start() && band.end() <= range.end())
                .toList();
    }

    /**
     * Returns the part of a range that has its name: all of it or, where some is hatched, the largest part that isn't.
     */
    Band namePlace(Range range) {
        List<Band> inside = inside(range);
        Band first = inside.get(0);
        int height = inside.stream().mapToInt(Band::height).sum();
        Band all = new Band(range.start(), range.end(), first.y(), height);
        return inside.stream().noneMatch(this::hasConflict)
                ? all
                : inside.stream()
                        .filter(band -> !hasConflict(band))
                        .max(Comparator.comparingInt(Band::height))
                        .orElse(all);
    }

    private List<Range> covering(long start, long end) {
        return ranges.stream()
                .filter(range -> range.start() <= start && end <= range.end())
                .toList();
    }
}
