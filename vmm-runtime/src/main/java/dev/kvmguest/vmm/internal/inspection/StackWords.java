package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a guest has pushed. Places are offsets in the stack segment.
 *
 * @param segment SS
 * @param memory the guest's memory
 * @param mode the mode of the code that pushes
 */
record StackWords(SegmentState segment, LinearMemory memory, CpuMode mode) {

    /** Returns the bytes of a word: 8 in 64-bit code, 4 in 32-bit code, 2 in 16-bit code. */
    int width() {
        return mode.stackOperandSize();
    }

    /** Returns the word at a place, unsigned; empty if it can't be read. */
    Optional<Long> at(long place) {
        return memory.read(base() + (place & mask()), width())
                .map(bytes -> ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN))
                .map(bytes -> switch (width()) {
                    case 8 -> bytes.getLong();
                    case 4 -> bytes.getInt() & 0xffff_ffffL;
                    default -> bytes.getShort() & 0xffffL;
                });
    }

    /** Returns the linear address of the segment, which 64-bit mode takes for 0. */
    private long base() {
        return mode.is64() ? 0 : segment.base();
    }

    /** Returns the physical address of a place; empty if its page is not present. */
    OptionalLong physical(long place) {
        return memory.physical(base() + (place & mask()));
    }

    /** Returns the bits of RSP and RBP that count: 64 in 64-bit code, else 32, or 16 where the B bit of SS is clear. */
    long mask() {
        return AddressPolicy.offsetMask(mode.stackAddressSize(segment.default32()));
    }
}
