package dev.kvmguest.vmm.internal.emulator;

import dev.kvmguest.vmm.config.VmmException;
import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Iterator;

/**
 * Zeroed buffers of machines that have been closed, for the next ones: a new buffer of 16 MiB costs milliseconds, what
 * a short guest has written to is cleared in microseconds. The garbage collector may take them.
 */
public final class RamPool {

    private final int mostKept;
    private final ArrayDeque<SoftReference<ByteBuffer>> kept = new ArrayDeque<>();

    /**
     * Creates an empty pool.
     *
     * @param mostKept how many buffers it keeps at most
     */
    public RamPool(int mostKept) {
        this.mostKept = mostKept;
    }

    /**
     * Returns a direct buffer of zeros that nobody else has.
     *
     * @throws VmmException if the JVM has no room for it
     */
    public synchronized ByteBuffer take(int size) {
        for (Iterator<SoftReference<ByteBuffer>> iterator = kept.iterator(); iterator.hasNext(); ) {
            ByteBuffer buffer = iterator.next().get();
            if (buffer == null) {
                iterator.remove();
            } else if (buffer.capacity() == size) {
                iterator.remove();
                return buffer;
            }
        }
        try {
            return ByteBuffer.allocateDirect(size);
        } catch (OutOfMemoryError e) {
            return takeTheirRoom(size);
        }
    }

    /** Soft references alone don't help: they are cleared for want of heap, not of room outside it. */
    private ByteBuffer takeTheirRoom(int size) {
        kept.clear();
        try {
            return ByteBuffer.allocateDirect(size);
        } catch (OutOfMemoryError e) {
            throw new VmmException(
                    "the JVM has no room for " + (size >> 10) + " KiB more of guest RAM; give it more by"
                            + " -XX:MaxDirectMemorySize, or the guest less",
                    e);
        }
    }

    /** Takes back a buffer, all zero, that nobody uses any more. */
    public synchronized void give(ByteBuffer zeros) {
        kept.addFirst(new SoftReference<>(zeros));
        while (kept.size() > mostKept) {
            kept.removeLast();
        }
    }
}
