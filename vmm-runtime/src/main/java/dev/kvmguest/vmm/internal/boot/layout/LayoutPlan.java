package dev.kvmguest.vmm.internal.boot.layout;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.memory.RamMap;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** The guest physical ranges that are taken before a guest starts; refuses those that overlap or lie outside RAM. */
public final class LayoutPlan {

    /** Where a PC has video memory and firmware; nothing that a loader may place freely goes there. */
    public static final Range HOLE = new Range(Kind.HOLE, "video memory and firmware", 0xa_0000, 0x10_0000);

    /** Where the firmware of a PC begins. */
    private static final long FIRMWARE_START = 0xe_0000;

    private static final long LOWEST = 0x1000;

    /** Where kernels are linked that mean a linear address and not so much memory. */
    private static final long HIGHER_HALF = 0x8000_0000L;

    private final RamMap ram;
    private final List<Range> images = new ArrayList<>();
    private final List<Range> tables = new ArrayList<>();
    private final List<Range> placed = new ArrayList<>();
    private final List<Range> yielding = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();

    public LayoutPlan(long memorySize) {
        this.ram = new RamMap(memorySize);
    }

    /** Returns where RAM is. */
    public RamMap ram() {
        return ram;
    }

    /** Takes note of something that a guest asked for and doesn't have, in a sentence without a full stop. */
    public void warn(String warning) {
        warnings.add(warning);
    }

    /** Returns what is to be warned of. */
    public List<String> warnings() {
        return warnings;
    }

    /** Returns where RAM has a gap and where it ends. */
    public List<Range> ends() {
        Range end = new Range(Kind.END_OF_RAM, "end of RAM", ram.end(), ram.end());
        return ram.isSplit()
                ? List.of(new Range(Kind.DEVICES, "devices, no RAM", RamMap.DEVICES, RamMap.DEVICES_END), end)
                : List.of(end);
    }

    /** Returns the parts of images: what their files hold, and what is to be zero after it. */
    public List<Range> images() {
        return images;
    }

    /** Returns what has a fixed place in a boot mode. */
    public List<Range> tables() {
        return tables;
    }

    /** Returns what firmware left and nothing else has taken. */
    public List<Range> firmware() {
        return yielding.stream()
                .filter(range -> all().stream().noneMatch(range::overlaps))
                .toList();
    }

    /** Returns everything that is taken. */
    public List<Range> all() {
        return Stream.of(images, tables, placed).flatMap(List::stream).toList();
    }

    /**
     * Takes the range from {@code start}, inclusive, to {@code end}, exclusive, for a part of an image.
     *
     * @throws IllegalArgumentException as {@link #take} does
     */
    public void takeImage(Kind kind, String name, long start, long end) {
        images.add(checked(kind, name, start, end));
    }

    /**
     * Takes the range from {@code start}, inclusive, to {@code end}, exclusive, for something that has to be there.
     *
     * @throws IllegalArgumentException if it overlaps one taken before, naming both, or isn't in RAM; the
     *     message has the layout after its first line
     */
    public void take(Kind kind, String name, long start, long end) {
        tables.add(checked(kind, name, start, end));
    }

    /**
     * Takes a range for something that has a usual place and moves out of the way of what is there already.
     *
     * @param usual its start if nothing is there
     * @param alignment of its start, a power of two
     * @param end the address that it must not pass elsewhere
     * @return its start
     * @throws IllegalArgumentException as {@link #take} does, if there is no room for it
     */
    public long takeOrMove(Kind kind, String name, long size, long usual, long alignment, long end) {
        Range wanted = new Range(kind, name, usual, usual + size);
        long start = all().stream().anyMatch(wanted::overlaps)
                ? findRoom(size, alignment, end).orElse(usual)
                : usual;
        take(kind, name, start, start + size);
        return start;
    }

    /** Takes a range for the firmware's code if there is room for it, and returns its start. */
    public OptionalLong takeFirmware(String name, long size, long usual) {
        OptionalLong start =
                isFree(usual, size) ? OptionalLong.of(usual) : findRoom(size, size, LowMemory.EXTENDED_DATA);
        start.ifPresent(from -> placed.add(new Range(Kind.FIRMWARE, name, from, from + size)));
        return start;
    }

    /** Notes what firmware leaves in memory that an image may have all the same; see {@link #firmware}. */
    public void leave(Kind kind, String name, long start, long end) {
        yielding.add(new Range(kind, name, start, end));
    }

    /**
     * Finds a free range where a PC has firmware, which no guest takes for memory of its own; if there is none, as high
     * in RAM as {@code end} allows.
     */
    private OptionalLong findRoom(long size, long alignment, long end) {
        for (long start = FIRMWARE_START; start + size <= HOLE.end(); start += alignment) {
            if (isFree(start, size)) {
                return OptionalLong.of(start);
            }
        }
        for (long start = Math.min(end, ram.lowEnd()) - size & -alignment; start >= LOWEST; start -= alignment) {
            if (isFree(start, size) && !new Range(Kind.HOLE, "", start, start + size).overlaps(HOLE)) {
                return OptionalLong.of(start);
            }
        }
        return OptionalLong.empty();
    }

    private boolean isFree(long start, long size) {
        Range range = new Range(Kind.HOLE, "", start, start + size);
        return ram.contains(start, size) && all().stream().noneMatch(range::overlaps);
    }

    /**
     * Takes the range from {@code start}, inclusive, to {@code end}, exclusive, for a stack.
     *
     * @throws IllegalArgumentException as {@link #take} does
     */
    public void takeStack(String name, long start, long end) {
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
    public long place(String name, long size, long alignment, long from) {
        return place(Kind.BOOT_INFORMATION, name, size, alignment, from);
    }

    /** Takes such a range for something of another kind, which a boot loader has a place of its own choosing for. */
    public long place(Kind kind, String name, long size, long alignment, long from) {
        long start = from;
        Optional<Range> inTheWay;
        do {
            start = start + alignment - 1 & -alignment;
            Range wanted = new Range(kind, name, start, start + size);
            inTheWay = Stream.concat(Stream.of(HOLE), all().stream())
                    .filter(wanted::overlaps)
                    .findAny();
            start = inTheWay.map(Range::end).orElse(start);
        } while (inTheWay.isPresent());
        placed.add(checked(kind, name, start, start + size));
        return start;
    }

    /**
     * Takes the highest free range below 4 GiB.
     *
     * @param alignment of its start, a power of two
     * @return its start
     * @throws IllegalArgumentException if there is no room for it
     */
    public long placeHigh(Kind kind, String name, long size, long alignment) {
        return placeHigh(kind, name, size, alignment, Long.MAX_VALUE);
    }

    /**
     * Takes the highest free range below 4 GiB and another address.
     *
     * @param alignment of its start, a power of two
     * @param end the address that it must not pass
     * @return its start
     * @throws IllegalArgumentException if there is no room for it
     */
    public long placeHigh(Kind kind, String name, long size, long alignment, long end) {
        long start = Math.min(end, ram.lowEnd()) - size & -alignment;
        while (start >= HOLE.end()) {
            Range wanted = new Range(kind, name, start, start + size);
            Optional<Range> inTheWay = all().stream().filter(wanted::overlaps).findAny();
            if (inTheWay.isEmpty()) {
                placed.add(wanted);
                return start;
            }
            start = inTheWay.get().start() - size & -alignment;
        }
        throw new IllegalArgumentException("there is no room for " + name + ", " + size + " bytes, in RAM, "
                + ram.words() + (end < ram.lowEnd() ? ", below " + hex(end) : "") + "; give the guest more memory");
    }

    private Range checked(Kind kind, String name, long start, long end) {
        Range range = new Range(kind, name, start, end);
        if (!ram.contains(start, end - start)) {
            throw refusal(range, range + " does not fit into RAM, " + ram.words() + wayOut(start, end));
        }
        for (Range other : all()) {
            if (range.overlaps(other)) {
                throw refusal(range, range + " overlaps " + other + "; move the image");
            }
        }
        return range;
    }

    private String wayOut(long start, long end) {
        boolean fitsAbove =
                start >= RamMap.DEVICES_END && new RamMap(MachineConfig.MAX_MEMORY).contains(start, end - start);
        if (Long.compareUnsigned(end, HIGHER_HALF) <= 0 || fitsAbove) {
            return "; give the guest more memory or another load address";
        }
        if (ram.isSplit() && start >= 0 && start < RamMap.DEVICES_END) {
            return "; as on a PC, " + hex(RamMap.DEVICES) + "-" + hex(RamMap.DEVICES_END - 1)
                    + " are left to devices: give the guest another load address, or link it elsewhere";
        }
        return start < 0
                ? "; link it with a physical address below that, by AT(...) in the linker script"
                : "; give the guest a lower load address, or link it lower";
    }

    private IllegalArgumentException refusal(Range range, String message) {
        List<Range> ranges = new ArrayList<>(all());
        ranges.add(range);
        return new IllegalArgumentException(message + "\n"
                + new MemoryLayout(ranges, List.of()).table().indent(4).stripTrailing());
    }
}
