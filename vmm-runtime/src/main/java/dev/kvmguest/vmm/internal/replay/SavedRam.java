package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.GuestMemory.Page;
import java.util.ArrayList;
import java.util.List;

/**
 * What a guest's RAM held at a moment.
 *
 * @param size bytes of RAM
 * @param pages those pages that were not all zero; their bytes are not to be changed
 */
record SavedRam(long size, List<Page> pages) {

    /** Returns what RAM holds now. */
    static SavedRam of(GuestMemory memory) {
        List<Page> pages = new ArrayList<>();
        memory.forEachPage(pages::add);
        return new SavedRam(memory.size(), pages);
    }

    /** Writes it into RAM of the same size that is still all zero. */
    void writeTo(GuestMemory fresh) {
        pages.forEach(page -> fresh.write(page.address(), page.bytes()));
    }
}
