package dev.kvmguest.vmm.internal.emulator.core;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Pages of RAM as they were before they were first written since the journal was opened, so that whether RAM is again
 * as it was then costs no more than what was written.
 */
public final class WriteJournal {

    private static final int PAGE_SIZE = 1 << Tlb.PAGE_SHIFT;

    private final ByteBuffer ram;
    private final Map<Integer, ByteBuffer> pages = new HashMap<>();
    private volatile boolean written;

    WriteJournal(ByteBuffer ram) {
        this.ram = ram;
    }

    /** Keeps a page as it is now, unless it was kept before. */
    void beforeWrite(int page) {
        if (!pages.containsKey(page)) {
            ByteBuffer copy = ByteBuffer.allocate(PAGE_SIZE);
            copy.put(0, ram, page << Tlb.PAGE_SHIFT, PAGE_SIZE);
            pages.put(page, copy);
        }
    }

    /** Notes that the host has written, on any thread. */
    void writtenByHost() {
        written = true;
    }

    /** Returns whether all RAM is as it was when the journal was opened, and the host has not written meanwhile. */
    public boolean isAsBefore() {
        for (Map.Entry<Integer, ByteBuffer> page : pages.entrySet()) {
            if (!page.getValue().equals(ram.slice(page.getKey() << Tlb.PAGE_SHIFT, PAGE_SIZE))) {
                return false;
            }
        }
        return !written;
    }
}
