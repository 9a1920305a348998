package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.Notation.hex;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * What lay where in a machine's memory when its guests started, and what lay dangerously close.
 *
 * @param ranges what was known of, in ascending order of address; the rest of RAM was zero
 * @param warnings near misses, a sentence each; empty if there were none
 */
public record MemoryLayout(List<Range> ranges, List<String> warnings) {

    /** The layout of a machine of which nothing is known. */
    public static final MemoryLayout UNKNOWN = new MemoryLayout(List.of(), List.of());

    /**
     * A range of guest physical addresses.
     *
     * @param name what is there, in words
     * @param start the first address
     * @param end the address behind the last
     */
    public record Range(String name, long start, long end) {

        /** Says whether the two have an address in common. */
        public boolean overlaps(Range other) {
            return start < other.end && other.start < end;
        }

        @Override
        public String toString() {
            return name + " at " + hex(start) + "-" + hex(Math.max(start, end - 1));
        }
    }

    public MemoryLayout {
        ranges = ranges.stream().sorted(Comparator.comparingLong(Range::start)).toList();
        warnings = List.copyOf(warnings);
    }

    /** Returns the ranges, one a line with its first and last address, its size and its name; lines ended by LF. */
    public String table() {
        StringBuilder table = new StringBuilder();
        ranges.forEach(range -> table.append(row(range)));
        return table.toString();
    }

    private static String row(Range range) {
        long size = range.end() - range.start();
        return size == 0
                ? String.format(Locale.ROOT, "%#010x %29s%s\n", range.start(), "", range.name())
                : String.format(
                        Locale.ROOT,
                        "%#010x-%#010x %10d bytes  %s\n",
                        range.start(),
                        range.end() - 1,
                        size,
                        range.name());
    }
}
