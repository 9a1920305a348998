package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PageWalker;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The page tables of a guest that runs with paging on, as they are in its memory (Intel SDM volume 3A, 4.3 to 4.5).
 * Looking leaves no trace in accessed and dirty bits.
 */
public final class PageTables {

    private static final long LOW_32 = 0xffff_ffffL;

    /**
     * An entry on the way to a page.
     *
     * @param level the table it is in
     * @param index its number there
     * @param address its guest physical address
     * @param value the entry; all ones where no RAM is and nothing answers
     * @param isInRam whether RAM is at its address
     * @param frame the physical address of what it leads to, a table or a page; without meaning unless it is present
     * @param pageSize the bytes of the page that it leads to; 0 if it leads to a table
     * @param reserved those of its bits that must be 0 and aren't; 0 if it isn't present
     * @param hasRights whether it says who may do what: all do but those of PAE's table of directories
     */
    public record Entry(
            PageLevel level,
            int index,
            long address,
            long value,
            boolean isInRam,
            long frame,
            long pageSize,
            long reserved,
            boolean hasRights) {

        public boolean isPresent() {
            return has(PageEntry.PRESENT);
        }

        boolean has(long bit) {
            return (value & bit) != 0;
        }

        /** Returns what it is called, such as {@code page-directory entry 512}. */
        public String name() {
            return level.words() + " " + index;
        }
    }

    /**
     * The way from a linear address to a physical one.
     *
     * @param linear the linear address
     * @param entries those that were read, the outermost table's first; the last is that of the page, or not present
     */
    public record Walk(long linear, List<Entry> entries) {

        public Entry last() {
            return entries.get(entries.size() - 1);
        }

        /** Returns the first entry that no processor follows, since bits of it are set that must be 0. */
        Optional<Entry> reserved() {
            return entries.stream().filter(entry -> entry.reserved() != 0).findFirst();
        }

        /** Returns the physical address, reserved bits and rights aside; empty if an entry is not present. */
        public OptionalLong physical() {
            Entry page = last();
            return page.isPresent()
                    ? OptionalLong.of(page.frame() | linear & page.pageSize() - 1)
                    : OptionalLong.empty();
        }
    }

    private final GuestMemory memory;
    private final long cr3;
    private final long cr4;
    private final long efer;

    PageTables(GuestMemory memory, CpuState registers) {
        this.memory = memory;
        this.cr3 = registers.get(Register.CR3);
        this.cr4 = registers.get(Register.CR4);
        this.efer = registers.get(Register.EFER);
    }

    /** Looks for the page of a linear address. */
    Walk walk(long linear) {
        PageWalker walker = new PageWalker();
        walker.start(cr3, cr4, efer, linear);
        List<Entry> entries = new ArrayList<>();
        entries.add(entry(walker));
        while (walker.isPresent() && !walker.isPage()) {
            walker.descend();
            entries.add(entry(walker));
        }
        return new Walk(linear, entries);
    }

    private Entry entry(PageWalker walker) {
        long address = walker.address();
        walker.take(read(address, walker.entryBytes()));
        return new Entry(
                walker.level(),
                walker.index(),
                address,
                walker.entry(),
                isInRam(address, walker.entryBytes()),
                walker.frame(),
                walker.isPage() ? walker.pageSize() : 0,
                walker.reserved(),
                !walker.isLoadedWithCr3());
    }

    /** Returns the physical address that CR3 has of the outermost table. */
    long directory() {
        return PagingMode.of(cr4, efer).root(cr3);
    }

    /** Returns whether no entry of {@link #directory()} is present. */
    boolean directoryIsVoid() {
        PagingMode mode = PagingMode.of(cr4, efer);
        int width = mode.entryBytes();
        for (int i = 0; i < mode.entries(mode.top()); i++) {
            if ((read(directory() + (long) i * width, width) & PageEntry.PRESENT) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Returns an entry of a table; nothing answers beyond RAM, so that all ones are read there. */
    private long read(long address, int width) {
        if (!isInRam(address, width)) {
            return width == 4 ? LOW_32 : -1;
        }
        return width == 4 ? memory.readInt(address) & LOW_32 : memory.readLong(address);
    }

    private boolean isInRam(long address, int width) {
        return memory.map().contains(address, width);
    }
}
