package dev.kvmguest.vmm.faults;

import dev.kvmguest.vmm.cpu.SegmentState;

/** The 64 bits of descriptors and gates (Intel SDM volume 3A, 3.4.5 and 5.8.3). */
final class Descriptors {

    private static final int GRANULARITY = 1 << 15;
    private static final int LOW_RIGHTS = 0xff;
    private static final int HIGH_RIGHTS = 0xf000;

    private Descriptors() {}

    /** Encodes a segment; {@code rights} as in {@link SegmentState}. */
    static long segment(long base, long limit, int rights) {
        long field = (rights & GRANULARITY) != 0 ? limit >>> 12 : limit;
        return field & 0xffff
                | (base & 0xff_ffff) << 16
                | (long) (rights & LOW_RIGHTS) << 40
                | (field >>> 16 & 0xf) << 48
                | (long) (rights & HIGH_RIGHTS) << 40
                | (base >>> 24 & 0xff) << 56;
    }

    /** Encodes a gate; {@code rights} are its type, DPL and P bit. */
    static long gate(int selector, long offset, int rights, int count) {
        return offset & 0xffff
                | (long) (selector & 0xffff) << 16
                | (long) count << 32
                | (long) rights << 40
                | (offset >>> 16 & 0xffff) << 48;
    }

    /** Returns what a segment register caches of a descriptor. */
    static SegmentState cached(int selector, long descriptor) {
        int rights = (int) (descriptor >>> 40) & (LOW_RIGHTS | HIGH_RIGHTS);
        long field = descriptor & 0xffff | descriptor >>> 32 & 0xf_0000;
        long limit = (rights & GRANULARITY) != 0 ? field << 12 | 0xfff : field;
        return new SegmentState(
                selector, descriptor >>> 16 & 0xff_ffff | descriptor >>> 32 & 0xff00_0000L, limit, rights);
    }
}
