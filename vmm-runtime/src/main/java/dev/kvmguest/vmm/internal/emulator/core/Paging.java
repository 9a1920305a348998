package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** Translates linear addresses by the guest's page tables (Intel SDM volume 3A, 4.3 and 4.4): 32-bit and PAE paging. */
final class Paging {

    private static final long PRESENT = 1;
    private static final long WRITABLE = 1 << 1;
    private static final long USER = 1 << 2;
    private static final long ACCESSED = 1 << 5;
    private static final long DIRTY = 1 << 6;
    private static final long LARGE = 1 << 7;
    private static final long NO_EXECUTE = 1L << 63;

    private static final int FAULT_PROTECTION = 1;
    private static final int FAULT_WRITE = 1 << 1;
    private static final int FAULT_USER = 1 << 2;
    private static final int FAULT_RESERVED = 1 << 3;
    private static final int FAULT_FETCH = 1 << 4;

    private static final long PHYSICAL_36 = (1L << 36) - 1;
    private static final long FRAME_4K = PHYSICAL_36 & ~0xfffL;
    private static final long FRAME_2M = PHYSICAL_36 & ~0x1f_ffffL;
    private static final long LARGE_RESERVED_PAE = 0x1f_e000;
    private static final long LARGE_OFFSET_4M = 0x3f_ffff;
    private static final long LARGE_OFFSET_2M = 0x1f_ffff;
    /** Bits 21:17 of a 4 MiB entry; 16:13 are address bits 35:32 (PSE-36). */
    private static final long LARGE_RESERVED = 0x3e_0000;

    private final Cpu cpu;
    private final Ram ram;

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
        return (cpu.cr4() & Cr4.PAE) != 0 ? walkPae(linear, access, user) : walk32(linear, access, user);
    }

    /**
     * Loads the page-directory-pointer table.
     *
     * @return false if an entry has a reserved bit set, which is #GP(0); nothing is changed then
     */
    boolean loadPointers(long cr3) {
        long[] loaded = new long[pointers.length];
        for (int i = 0; i < loaded.length; i++) {
            loaded[i] = readEntry((cr3 & 0xffff_ffe0L) + 8L * i, 8);
            long reserved = ~PHYSICAL_36 | 0x1e6;
            if ((loaded[i] & PRESENT) != 0 && (loaded[i] & reserved) != 0) {
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

    private long walk32(long linear, Access access, boolean user) {
        long directoryAddress = (cpu.cr3() & 0xffff_f000L) + (linear >>> 22 << 2);
        long directory = readEntry(directoryAddress, 4);
        if ((directory & PRESENT) == 0) {
            throw fault(linear, access, user, 0);
        }
        boolean large = (directory & LARGE) != 0 && (cpu.cr4() & Cr4.PSE) != 0;
        if (large) {
            if ((directory & LARGE_RESERVED) != 0) {
                throw fault(linear, access, user, FAULT_PROTECTION | FAULT_RESERVED);
            }
            check(linear, access, user, directory);
            mark(directoryAddress, 4, directory, access);
            return directory & 0xffc0_0000L | (directory & 0x1_e000) << 19 | linear & LARGE_OFFSET_4M;
        }
        long entryAddress = (directory & 0xffff_f000L) + (linear >>> 12 << 2 & 0xffc);
        long entry = readEntry(entryAddress, 4);
        if ((entry & PRESENT) == 0) {
            throw fault(linear, access, user, 0);
        }
        check(linear, access, user, entry & directory);
        markAccessed(directoryAddress, 4, directory);
        mark(entryAddress, 4, entry, access);
        return entry & 0xffff_f000L | linear & 0xfff;
    }

    private long walkPae(long linear, Access access, boolean user) {
        long pointer = pointers[(int) (linear >>> 30)];
        if ((pointer & PRESENT) == 0) {
            throw fault(linear, access, user, 0);
        }
        long directoryAddress = (pointer & FRAME_4K) + (linear >>> 21 << 3 & 0xff8);
        long directory = readEntry(directoryAddress, 8);
        if ((directory & PRESENT) == 0) {
            throw fault(linear, access, user, 0);
        }
        boolean large = (directory & LARGE) != 0;
        if ((directory & (reservedPae() | (large ? LARGE_RESERVED_PAE : 0))) != 0) {
            throw fault(linear, access, user, FAULT_PROTECTION | FAULT_RESERVED);
        }
        if (large) {
            check(linear, access, user, directory);
            mark(directoryAddress, 8, directory, access);
            return directory & FRAME_2M | linear & LARGE_OFFSET_2M;
        }
        long entryAddress = (directory & FRAME_4K) + (linear >>> 12 << 3 & 0xff8);
        long entry = readEntry(entryAddress, 8);
        if ((entry & PRESENT) == 0) {
            throw fault(linear, access, user, 0);
        }
        if ((entry & reservedPae()) != 0) {
            throw fault(linear, access, user, FAULT_PROTECTION | FAULT_RESERVED);
        }
        // Rights are those that both levels give; execution is forbidden if either forbids it.
        check(linear, access, user, entry & directory & ~NO_EXECUTE | (entry | directory) & NO_EXECUTE);
        markAccessed(directoryAddress, 8, directory);
        mark(entryAddress, 8, entry, access);
        return entry & FRAME_4K | linear & 0xfff;
    }

    private long reservedPae() {
        return ~PHYSICAL_36 & (cpu.noExecute() ? ~NO_EXECUTE : -1);
    }

    private void check(long linear, Access access, boolean user, long rights) {
        boolean allowed = !user || (rights & USER) != 0;
        if (access == Access.WRITE && (rights & WRITABLE) == 0) {
            allowed &= !user && (cpu.cr0() & Cr0.WP) == 0;
        }
        if (access == Access.FETCH && (rights & NO_EXECUTE) != 0) {
            allowed = false;
        }
        if (!allowed) {
            throw fault(linear, access, user, FAULT_PROTECTION);
        }
    }

    private CpuFault fault(long linear, Access access, boolean user, int code) {
        int fetch = access == Access.FETCH && cpu.noExecute() ? FAULT_FETCH : 0;
        int write = access == Access.WRITE ? FAULT_WRITE : 0;
        return CpuFault.page(code | write | (user ? FAULT_USER : 0) | fetch, linear);
    }

    private void markAccessed(long address, int width, long entry) {
        writeEntry(address, width, entry, entry | ACCESSED);
    }

    private void mark(long address, int width, long entry, Access access) {
        writeEntry(address, width, entry, entry | ACCESSED | (access == Access.WRITE ? DIRTY : 0));
    }

    private long readEntry(long address, int width) {
        if (address > ram.size() - width) {
            // Nothing answers there, so that the bus reads as ones.
            return width == 4 ? 0xffff_ffffL : -1;
        }
        ByteBuffer bytes = ram.bytes();
        return width == 4 ? bytes.getInt((int) address) & 0xffff_ffffL : bytes.getLong((int) address);
    }

    private void writeEntry(long address, int width, long old, long entry) {
        if (old == entry || address > ram.size() - width) {
            return;
        }
        ram.beforeWrite((int) address, width);
        if (width == 4) {
            ram.bytes().putInt((int) address, (int) entry);
        } else {
            ram.bytes().putLong((int) address, entry);
        }
    }
}
