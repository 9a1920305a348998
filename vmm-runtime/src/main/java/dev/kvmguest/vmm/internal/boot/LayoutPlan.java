package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The guest physical ranges that are taken before a guest starts; refuses those that overlap or lie outside RAM. */
final class LayoutPlan {

    /** Where a PC has video memory and firmware; nothing that a loader may place freely goes there. */
    static final Range HOLE = new Range(Kind.HOLE, "video memory and firmware", 0xa_0000, 0x10_0000);

    private final long memorySize;
    private final List<Range> images = new ArrayList<>();
    private final List<Range> tables = new ArrayList<>();
    private final List<Range> placed = new ArrayList<>();

    LayoutPlan(long memorySize) {
        this.memorySize = memorySize;
    }

    long memorySize() {
        return memorySize;
    }

    /** Returns the parts of images: what their files hold, and what is to be zero after it. */
    List<Range> images() {
        return images;
    }

    /** Returns what has a fixed place in a boot mode. */
    List<Range> tables() {
        return tables;
    }

    /** Returns everything that is taken. */
    List<Range> all() {
        return Stream.of(images, tables, placed).flatMap(List::stream).toList();
    }

    /**
     * Takes the range from {@code start}, inclusive, to {@code end}, exclusive, for a part of an image.
     *
     * @throws IllegalArgumentException as {@link #take} does
     */
    void takeImage(Kind kind, String name, long start, long end) {
        images.add(checked(kind, name, start, end));
    }

    /**
     * Takes the range from {@code start}, inclusive, to {@code end}, exclusive, for something that has to be there.
     *
     * @throws IllegalArgumentException if it overlaps one taken before, naming both, or passes the end of RAM; the
     *     message has the layout after its first line
     */
    void take(Kind kind, String name, long start, long end) {
        tables.add(checked(kind, name, start, end));
    }

    /**
     * Takes the range from {@code start}, inclusive, to {@code end}, exclusive, for a stack.
     *
     * @throws IllegalArgumentException as {@link #take} does
     */
    void takeStack(String name, long start, long end) {
        placed.add(checked(Kind.STACK, name, start, end));
    }

    /**
     * Takes the lowest free range from an address on for what a boot loader tells its kernel, clear of the video memory
     * and firmware of a PC.
     *
     * @param alignment of its start, a power of two
     * @return its start
     * @throws IllegalArgumentException if it would pass the end of RAM
     */
    long place(String name, long size, long alignment, long from) {
        long start = from;
        Optional<Range> inTheWay;
        do {
            start = start + alignment - 1 & -alignment;
            Range wanted = new Range(Kind.BOOT_INFORMATION, name, start, start + size);
            inTheWay = Stream.concat(Stream.of(HOLE), all().stream())
                    .filter(wanted::overlaps)
                    .findAny();
            start = inTheWay.map(Range::end).orElse(start);
        } while (inTheWay.isPresent());
        placed.add(checked(Kind.BOOT_INFORMATION, name, start, start + size));
        return start;
    }

    private Range checked(Kind kind, String name, long start, long end) {
        Range range = new Range(kind, name, start, end);
        if (start < 0 || end > memorySize) {
            throw refusal(
                    range,
                    range + " does not fit into RAM, which ends at " + hex(memorySize - 1)
                            + "; give the guest more memory or another load address");
        }
        for (Range other : all()) {
            if (range.overlaps(other)) {
                throw refusal(range, range + " overlaps " + other + "; move the image");
            }
        }
        return range;
    }

    private IllegalArgumentException refusal(Range range, String message) {
        List<Range> ranges = new ArrayList<>(all());
        ranges.add(range);
        return new IllegalArgumentException(message + "\n"
                + new MemoryLayout(ranges, List.of()).table().indent(4).stripTrailing());
    }
}
