package dev.kvmguest.vmm.internal.emulator.core;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Translations of linear pages to pages of RAM, direct-mapped. An entry says that one kind of access is allowed
 * without a further look; there is a table per kind and privilege, see {@link Memory}.
 */
final class Tlb {

    static final int PAGE_SHIFT = 12;
    static final long PAGE_MASK = -1L << PAGE_SHIFT;

    /** The lowest int, so that all that has it added is negative. */
    static final int ELSEWHERE = Integer.MIN_VALUE;

    private static final int ENTRIES = 256;
    static final int SLOT_MASK = ENTRIES - 1;

    /**
     * The linear page of each entry. An empty one has a page that belongs into another slot, so that no address of any
     * width finds it there: page 0, and in slot 0 page 1.
     */
    final long[] tags = new long[ENTRIES];
    /** The guest physical address of each page of RAM. */
    final long[] frames = new long[ENTRIES];
    /**
     * Where each page starts in its buffer: in that of low RAM, or, with {@link #ELSEWHERE} added, in {@link #buffers}.
     * Has no meaning where code is fetched.
     */
    final int[] starts = new int[ENTRIES];
    /** The buffers of pages that are not in low RAM. */
    final ByteBuffer[] buffers = new ByteBuffer[ENTRIES];

    Tlb() {
        // New arrays are zero: flush() would write them once more.
        tags[0] = emptyTag(0);
    }

    static int slot(long linear) {
        return (int) (linear >>> PAGE_SHIFT) & SLOT_MASK;
    }

    private static long emptyTag(int slot) {
        return slot == 0 ? 1L << PAGE_SHIFT : 0;
    }

    /** Adds a page of low RAM, or one whose bytes aren't asked for. */
    void put(long linear, long physical) {
        int slot = slot(linear);
        tags[slot] = linear & PAGE_MASK;
        frames[slot] = physical;
        starts[slot] = (int) physical;
    }

    /** Adds a page that isn't in low RAM. */
    void put(long linear, long physical, Frame frame) {
        int slot = slot(linear);
        tags[slot] = linear & PAGE_MASK;
        frames[slot] = physical;
        starts[slot] = frame.start() + ELSEWHERE;
        buffers[slot] = frame.bytes();
    }

    void flush() {
        Arrays.fill(tags, 0);
        tags[0] = emptyTag(0);
    }

    /** Adds another one's entries, those of the other first, and empties the other. */
    void take(Tlb other) {
        for (int slot = 0; slot < ENTRIES; slot++) {
            if (other.tags[slot] != emptyTag(slot)) {
                tags[slot] = other.tags[slot];
                frames[slot] = other.frames[slot];
                buffers[slot] = other.buffers[slot];
                starts[slot] = other.starts[slot];
            }
        }
        other.flush();
    }

    void clear(int slot) {
        tags[slot] = emptyTag(slot);
    }

    void invalidate(long linear) {
        int slot = slot(linear);
        if (tags[slot] == (linear & PAGE_MASK)) {
            tags[slot] = emptyTag(slot);
        }
    }

    /** Forgets every linear page that is mapped to this physical page. */
    void invalidateFrame(long physical) {
        for (int slot = 0; slot < ENTRIES; slot++) {
            if (frames[slot] == physical) {
                tags[slot] = emptyTag(slot);
            }
        }
    }
}
