package dev.kvmguest.vmm.internal.engine;

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
public record SavedRam(long size, List<Page> pages) {

    /** Returns what RAM holds now. */
    public static SavedRam of(GuestMemory memory) {
        List<Page> pages = new ArrayList<>();
        memory.forEachPage(pages::add);
        return new SavedRam(memory.size(), pages);
    }

    /** Returns the bytes of the pages that are kept. */
    public long usedBytes() {
        return pages.stream().mapToLong(page -> page.bytes().length).sum();
    }

    /** Writes it into RAM of the same size that is still all zero. */
    public void writeTo(GuestMemory fresh) {
        pages.forEach(page -> fresh.write(page.address(), page.bytes()));
    }
}
