package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageFaultCode;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PageWalker;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import java.util.Arrays;
import java.util.List;

/** Translates linear addresses by the guest's page tables (Intel SDM volume 3A, 4.3 to 4.5). */
final class Paging {

    private static final int LEVELS = PageLevel.values().length;

    private final Cpu cpu;
    private final Ram ram;
    private final PageWalker walker = new PageWalker();
    // The tables' entries of the present walk.
    private final long[] addresses = new long[LEVELS];
    private final long[] entries = new long[LEVELS];
    private boolean ofUser;

    /** The page-directory-pointer table as it was when CR3 was loaded (volume 3A, 4.4.1). */
    private final long[] pointers = new long[4];

    Paging(Cpu cpu, Ram ram) {
        this.cpu = cpu;
        this.ram = ram;
    }

    /**
     * Walks the page tables and sets accessed and dirty bits.
     *
     * @return the guest physical address
     */
    long walk(long linear, Access access, boolean user) {
        walker.start(cpu.cr3(), cpu.cr4(), cpu.efer(), linear);
        if (walker.isLoadedWithCr3()) {
            // Its rights and reserved bits were looked at when CR3 was loaded.
            walker.take(pointers[walker.index()]);
            requirePresent(linear, access, user);
            walker.descend();
        }
        int tables = 0;
        long entry = takeEntry(linear, access, user);
        long given = entry;
        long forbidden = entry;
        while (!walker.isPage()) {
            addresses[tables] = walker.address();
            entries[tables] = entry;
            tables++;
            walker.descend();
            entry = takeEntry(linear, access, user);
            given &= entry;
            forbidden |= entry;
        }
        // Rights are those that all levels give; execution is forbidden if one forbids it.
        check(linear, access, user, given & ~PageEntry.NO_EXECUTE | forbidden & PageEntry.NO_EXECUTE);
        for (int i = 0; i < tables; i++) {
            mark(addresses[i], entries[i], PageEntry.ACCESSED);
        }
        mark(walker.address(), entry, PageEntry.ACCESSED | (access == Access.WRITE ? PageEntry.DIRTY : 0));
        return walker.physical();
    }

    /** Returns whether the page that the last walk led to is one of ring 3. */
    boolean ledToUserPage() {
        return ofUser;
    }

    private long takeEntry(long linear, Access access, boolean user) {
        long entry = readEntry(walker.address(), walker.entryBytes());
        walker.take(entry);
        requirePresent(linear, access, user);
        if (walker.reserved() != 0) {
            throw fault(linear, access, user, PageFaultCode.PRESENT | PageFaultCode.RESERVED);
        }
        return entry;
    }

    private void requirePresent(long linear, Access access, boolean user) {
        if (!walker.isPresent()) {
            throw fault(linear, access, user, 0);
        }
    }

    /**
     * Loads the page-directory-pointer table.
     *
     * @return false if an entry has a reserved bit set, which is #GP(0); nothing is changed then
     */
    boolean loadPointers(long cr3) {
        long[] loaded = new long[pointers.length];
        for (int i = 0; i < loaded.length; i++) {
            walker.start(cr3, Cr4.PAE, 0, i * PagingMode.PAE.span(PageLevel.POINTER));
            loaded[i] = readEntry(walker.address(), walker.entryBytes());
            walker.take(loaded[i]);
            if (walker.reserved() != 0) {
                return false;
            }
        }
        System.arraycopy(loaded, 0, pointers, 0, loaded.length);
        return true;
    }

    /** Returns the page-directory-pointer table as it was loaded. */
    List<Long> pointers() {
        return Arrays.stream(pointers).boxed().toList();
    }

    /** Sets the page-directory-pointer table as it was once loaded. */
    void setPointers(List<Long> loaded) {
        for (int i = 0; i < pointers.length; i++) {
            pointers[i] = loaded.get(i);
        }
    }

    private void check(long linear, Access access, boolean user, long rights) {
        ofUser = (rights & PageEntry.USER) != 0;
        boolean allowed = !user || ofUser;
        if (ofUser && !user) {
            allowed = access == Access.FETCH ? (cpu.cr4() & Cr4.SMEP) == 0 : !cpu.forbidsUserPages();
        }
        if (access == Access.WRITE && (rights & PageEntry.WRITABLE) == 0) {
            allowed &= !user && (cpu.cr0() & Cr0.WP) == 0;
        }
        if (access == Access.FETCH && (rights & PageEntry.NO_EXECUTE) != 0) {
            allowed = false;
        }
        if (!allowed) {
            throw fault(linear, access, user, PageFaultCode.PRESENT);
        }
    }

    private CpuFault fault(long linear, Access access, boolean user, int code) {
        boolean tellsFetches = cpu.noExecute() || (cpu.cr4() & Cr4.SMEP) != 0;
        int fetch = access == Access.FETCH && tellsFetches ? PageFaultCode.FETCH : 0;
        int write = access == Access.WRITE ? PageFaultCode.WRITE : 0;
        return CpuFault.page(code | write | (user ? PageFaultCode.USER : 0) | fetch, linear);
    }

    private long readEntry(long address, int width) {
        if (!ram.contains(address)) {
            // Nothing answers there, so that the bus reads as ones.
            return width == 4 ? 0xffff_ffffL : -1;
        }
        return ram.read(address, width);
    }

    private void mark(long address, long entry, long bits) {
        if ((entry & bits) != bits && ram.contains(address)) {
            ram.write(address, walker.entryBytes(), entry | bits);
        }
    }
}
