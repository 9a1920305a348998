package dev.kvmguest.vmm.internal.emulator.core;

import java.nio.ByteBuffer;

/**
 * What repeated string instructions do, for many elements at once: as many as are in one page that can be accessed
 * without a further look. The result is that of one element after the other, overlaps included.
 *
 * <p>An access that must be looked at (no translation yet, code in the page, a breakpoint on data, no RAM, the
 * segment's end, an alignment check) makes it 0 elements; the caller does one then, with all checks, and tries again.
 */
public final class BulkTransfer {

    private static final long LOW_32 = 0xffff_ffffL;
    private static final int PAGE_SIZE = 1 << Tlb.PAGE_SHIFT;
    private static final int OFFSET_MASK = PAGE_SIZE - 1;

    private final Cpu cpu;
    private final Memory memory;
    private final ByteBuffer low;

    BulkTransfer(Cpu cpu, Memory memory, Ram ram) {
        this.cpu = cpu;
        this.memory = memory;
        this.low = ram.low();
    }

    /**
     * Copies elements.
     *
     * @param fromSegment the number of a segment register
     * @param from the offset of the first element
     * @param toSegment the number of a segment register
     * @param to the offset of the first element
     * @param highest the highest offset that an address can have, by the address size
     * @param width bytes of an element: 1, 2, 4 or 8
     * @param count at most so many elements
     * @param down whether to go down in memory
     * @return how many elements were copied
     */
    public long copy(
            int fromSegment, long from, int toSegment, long to, long highest, int width, long count, boolean down) {
        Segment source = cpu.segments[fromSegment];
        Segment destination = cpu.segments[toSegment];
        long fromLinear = memory.linear(source, from);
        long toLinear = memory.linear(destination, to);
        Tlb readable = memory.readable(fromLinear);
        Tlb writable = memory.writable(toLinear);
        if (readable == null || writable == null) {
            return 0;
        }
        int fromSlot = Tlb.slot(fromLinear);
        int toSlot = Tlb.slot(toLinear);
        int fromInPage = (int) fromLinear & OFFSET_MASK;
        int toInPage = (int) toLinear & OFFSET_MASK;
        long fitting = Math.min(
                fitting(from, fromLinear, end(highest, source.readLimit()), width, down),
                fitting(to, toLinear, end(highest, destination.writeLimit()), width, down));
        int ahead = down ? fromInPage - toInPage : toInPage - fromInPage;
        if (ahead > 0 && readable.frames[fromSlot] == writable.frames[toSlot]) {
            // Elements that are written now and read later are left for the next time.
            fitting = Math.min(fitting, ahead / width);
        }
        int elements = (int) lower(count, fitting);
        if (elements > 0) {
            int length = elements * width;
            int back = down ? length - width : 0;
            int fromPlace = place(readable, fromSlot) + fromInPage - back;
            int toPlace = place(writable, toSlot) + toInPage - back;
            buffer(writable, toSlot).put(toPlace, buffer(readable, fromSlot), fromPlace, length);
        }
        return elements;
    }

    /**
     * Fills elements with a value.
     *
     * @param segment the number of a segment register
     * @param offset the offset of the first element
     * @param highest the highest offset that an address can have, by the address size
     * @param width bytes of an element: 1, 2, 4 or 8
     * @param value the value of each; bits beyond the width are ignored
     * @param count at most so many elements
     * @param down whether to go down in memory
     * @return how many elements were filled
     */
    public long fill(int segment, long offset, long highest, int width, long value, long count, boolean down) {
        Segment s = cpu.segments[segment];
        long linear = memory.linear(s, offset);
        Tlb writable = memory.writable(linear);
        if (writable == null) {
            return 0;
        }
        int elements = (int) lower(count, fitting(offset, linear, end(highest, s.writeLimit()), width, down));
        if (elements > 0) {
            int length = elements * width;
            int slot = Tlb.slot(linear);
            int place = place(writable, slot) + ((int) linear & OFFSET_MASK) - (down ? length - width : 0);
            fill(buffer(writable, slot), place, length, pattern(value, width));
        }
        return elements;
    }

    private ByteBuffer buffer(Tlb tlb, int slot) {
        return tlb.starts[slot] >= 0 ? low : tlb.buffers[slot];
    }

    private static int place(Tlb tlb, int slot) {
        return tlb.starts[slot] & ~Tlb.ELSEWHERE;
    }

    private static void fill(ByteBuffer bytes, int start, int length, long pattern) {
        int end = start + length;
        int at = start;
        for (; at <= end - 8; at += 8) {
            bytes.putLong(at, pattern);
        }
        for (long rest = pattern; at < end; at++, rest >>>= 8) {
            bytes.put(at, (byte) rest);
        }
    }

    /** Returns the value repeated in eight bytes. */
    private static long pattern(long value, int width) {
        return switch (width) {
            case 1 -> (value & 0xff) * 0x0101_0101_0101_0101L;
            case 2 -> (value & 0xffff) * 0x0001_0001_0001_0001L;
            case 4 -> (value & LOW_32) * 0x0000_0001_0000_0001L;
            default -> value;
        };
    }

    /** Returns the highest offset that both address size and segment allow; -1 if each access has to be checked. */
    private static long end(long highest, long limit) {
        return limit < 0 ? limit : lower(highest, limit);
    }

    /** Returns how many elements there are until the page, the segment or the address size ends. */
    private long fitting(long offset, long linear, long highest, int width, boolean down) {
        int inPage = (int) linear & OFFSET_MASK;
        boolean misaligned = (linear & width - 1) != 0;
        if (offset + width - 1 > highest || inPage + width > PAGE_SIZE || misaligned && cpu.checksAlignment()) {
            return 0;
        }
        if (down) {
            return lower(inPage, offset) / width + 1;
        }
        return (lower(PAGE_SIZE - 1 - inPage, highest - offset) + 1) / width;
    }

    /** Returns the lower of two numbers without a sign. */
    private static long lower(long a, long b) {
        return Long.compareUnsigned(a, b) < 0 ? a : b;
    }
}
