package dev.kvmguest.vmm.internal.emulator.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Gives out frames in the order in which they are asked for, from buffers that it takes when it needs one. So RAM takes
 * as much of the host's memory as is used of it, wherever that is.
 */
public final class FrameAllocator {

    private final Supplier<ByteBuffer> pool;
    private final List<ByteBuffer> buffers = new ArrayList<>();
    private ByteBuffer last = ByteBuffer.allocate(0);
    /** Where the next frame starts in the last buffer. */
    private int next;

    /**
     * Creates an allocator that has given out nothing.
     *
     * @param pool returns direct buffers of zeros, each a multiple of 4096 bytes long
     */
    public FrameAllocator(Supplier<ByteBuffer> pool) {
        this.pool = pool;
    }

    /** Returns a frame of zeros that nobody else has. */
    Frame take() {
        if (next == last.capacity()) {
            last = pool.get().order(ByteOrder.LITTLE_ENDIAN);
            buffers.add(last);
            next = 0;
        }
        Frame frame = new Frame(last, next);
        next += 1 << Tlb.PAGE_SHIFT;
        return frame;
    }

    /** Returns its buffers. No frame must be used any more. */
    public List<ByteBuffer> buffers() {
        return List.copyOf(buffers);
    }
}
