package dev.kvmguest.vmm.internal.emulator.core;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Pages of RAM as they were before they were first written since the journal was opened, so that whether RAM is again
 * as it was then costs no more than what was written.
 */
public final class WriteJournal {

    private final Ram ram;
    /** By their physical addresses. */
    private final Map<Long, ByteBuffer> pages = new HashMap<>();

    private volatile boolean written;

    WriteJournal(Ram ram) {
        this.ram = ram;
    }

    /** Keeps a page as it is now, unless it was kept before. */
    void beforeWrite(long page) {
        if (!pages.containsKey(page)) {
            ByteBuffer now = ram.page(page);
            pages.put(page, ByteBuffer.allocate(now.capacity()).put(now).flip());
        }
    }

    /** Notes that the host has written, on any thread. */
    void writtenByHost() {
        written = true;
    }

    /** Returns whether all RAM is as it was when the journal was opened, and the host has not written meanwhile. */
    public boolean isAsBefore() {
        for (Map.Entry<Long, ByteBuffer> page : pages.entrySet()) {
            if (!page.getValue().equals(ram.page(page.getKey()))) {
                return false;
            }
        }
        return !written;
    }
}
