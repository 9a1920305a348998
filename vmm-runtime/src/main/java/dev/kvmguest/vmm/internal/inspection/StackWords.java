package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.SegmentState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a guest has pushed. Places are offsets in the stack segment.
 *
 * @param segment SS
 * @param memory the guest's memory
 * @param width the bytes of a word: 4 in 32-bit code, else 2
 */
record StackWords(SegmentState segment, LinearMemory memory, int width) {

    /** Returns the word at a place, unsigned; empty if it can't be read. */
    Optional<Long> at(long place) {
        return memory.read(segment.base() + (place & mask()), width)
                .map(bytes -> ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN))
                .map(bytes -> width == 4 ? bytes.getInt() & 0xffff_ffffL : bytes.getShort() & 0xffffL);
    }

    /** Returns the physical address of a place; empty if its page is not present. */
    OptionalLong physical(long place) {
        return memory.physical(segment.base() + (place & mask()));
    }

    /** Returns the bits of ESP and EBP that count: all 32, or 16 where the B bit of SS is clear. */
    long mask() {
        return segment.big() ? 0xffff_ffffL : 0xffff;
    }
}
