package dev.kvmguest.vmm.memory;

import dev.kvmguest.vmm.memory.RamMap.Extent;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A guest's RAM as an engine keeps it: pages of 4096 bytes, given by the guest physical addresses of their first bytes.
 * The buffers are those pages alone, in any byte order. Several threads may call.
 */
public interface RamPages {

    /** The bytes of a page. */
    int PAGE = 4096;

    /** Returns where RAM is. */
    RamMap map();

    /** Returns a page to be read. */
    ByteBuffer forReading(long page);

    /** Returns a page that is about to be written. */
    ByteBuffer forWriting(long page);

    /**
     * Returns which pages may hold something else than zeros, in ascending order. By default these are all; an engine
     * that knows better saves whoever looks through RAM the time.
     */
    default List<Extent> used() {
        return map().extents();
    }
}
