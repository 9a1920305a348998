package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The page tables of a guest that runs with paging on, as they are in its memory (Intel SDM volume 3A, 4.3 and 4.4):
 * 32-bit and PAE paging. Looking leaves no trace in accessed and dirty bits.
 */
public final class PageWalker {

    static final long CR4_PAE = 1 << 5;

    public static final long PRESENT = 1;
    static final long WRITABLE = 1 << 1;
    static final long USER = 1 << 2;
    static final long ACCESSED = 1 << 5;
    static final long DIRTY = 1 << 6;
    static final long NO_EXECUTE = 1L << 63;

    private static final long LARGE = 1 << 7;
    private static final long EFER_NXE = 1 << 11;
    private static final long LOW_32 = 0xffff_ffffL;
    private static final long PHYSICAL_36 = (1L << 36) - 1;
    private static final long FRAME_4K = PHYSICAL_36 & ~0xfffL;
    private static final long FRAME_2M = PHYSICAL_36 & ~0x1f_ffffL;
    private static final long FRAME_4M = 0xffc0_0000L;
    private static final long DIRECTORY_32 = 0xffff_f000L;
    private static final long POINTERS_PAE = 0xffff_ffe0L;

    private static final long RESERVED_POINTER = ~PHYSICAL_36 | 0x1e6;
    private static final long RESERVED_LARGE_PAE = 0x1f_e000;
    /** Bits 21:17 of a 4 MiB entry; 16:13 are address bits 35:32 (PSE-36). */
    private static final long RESERVED_LARGE_32 = 0x3e_0000;

    /** Which table an entry is in. */
    public enum Level {
        POINTER("page-directory-pointer entry"),
        DIRECTORY("page-directory entry"),
        TABLE("page-table entry");

        private final String words;

        Level(String words) {
            this.words = words;
        }

        /** Returns what an entry of it is called. */
        String words() {
            return words;
        }
    }

    /**
     * An entry on the way to a page.
     *
     * @param level the table it is in
     * @param index its number there
     * @param address its guest physical address
     * @param value the entry; all ones beyond RAM, where nothing answers
     * @param isInRam whether RAM is at its address
     * @param frame the physical address of what it leads to, a table or a page; without meaning unless it is present
     * @param pageSize the bytes of the page that it leads to; 0 if it leads to a table
     * @param reserved those of its bits that must be 0 and aren't; 0 if it isn't present
     */
    public record Entry(
            Level level,
            int index,
            long address,
            long value,
            boolean isInRam,
            long frame,
            long pageSize,
            long reserved) {

        public boolean isPresent() {
            return has(PRESENT);
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
    private final boolean pae;
    private final boolean largePages;
    private final boolean noExecute;
    private final long cr3;

    PageWalker(GuestMemory memory, CpuState registers) {
        this.memory = memory;
        this.pae = (registers.get(Register.CR4) & CR4_PAE) != 0;
        this.largePages = (registers.get(Register.CR4) & CpuState.CR4_PSE) != 0;
        this.noExecute = (registers.get(Register.EFER) & EFER_NXE) != 0;
        this.cr3 = registers.get(Register.CR3) & LOW_32;
    }

    /** Looks for the page of a linear address of 32 bits. */
    Walk walk(long linear) {
        List<Entry> entries = new ArrayList<>();
        Level level = pae ? Level.POINTER : Level.DIRECTORY;
        Entry entry = entry(level, directory(), linear);
        entries.add(entry);
        while (entry.isPresent() && entry.pageSize() == 0) {
            level = Level.values()[level.ordinal() + 1];
            entry = entry(level, entry.frame(), linear);
            entries.add(entry);
        }
        return new Walk(linear, entries);
    }

    /** Returns the physical address that CR3 has of the page directory, or of PAE's table of directories. */
    long directory() {
        return cr3 & (pae ? POINTERS_PAE : DIRECTORY_32);
    }

    /** Returns whether no entry of {@link #directory()} is present. */
    boolean directoryIsVoid() {
        int width = pae ? 8 : 4;
        int entries = pae ? 4 : 1024;
        for (int i = 0; i < entries; i++) {
            if ((read(directory() + (long) i * width, width) & PRESENT) != 0) {
                return false;
            }
        }
        return true;
    }

    private Entry entry(Level level, long table, long linear) {
        return pae ? entryPae(level, table, linear) : entry32(level, table, linear);
    }

    private Entry entry32(Level level, long table, long linear) {
        int index = (int) (level == Level.DIRECTORY ? linear >>> 22 : linear >>> 12 & 0x3ff);
        long address = table + index * 4L;
        long value = read(address, 4);
        boolean isInRam = isInRam(address, 4);
        if (level == Level.DIRECTORY && (value & LARGE) != 0 && largePages) {
            long frame = value & FRAME_4M | (value & 0x1_e000) << 19;
            return new Entry(level, index, address, value, isInRam, frame, 1 << 22, reserved(value, RESERVED_LARGE_32));
        }
        long pageSize = level == Level.TABLE ? 1 << 12 : 0;
        return new Entry(level, index, address, value, isInRam, value & DIRECTORY_32, pageSize, 0);
    }

    private Entry entryPae(Level level, long table, long linear) {
        int index = (int)
                switch (level) {
                    case POINTER -> linear >>> 30;
                    case DIRECTORY -> linear >>> 21 & 0x1ff;
                    case TABLE -> linear >>> 12 & 0x1ff;
                };
        long address = table + index * 8L;
        long value = read(address, 8);
        boolean isInRam = isInRam(address, 8);
        if (level == Level.POINTER) {
            long reserved = reserved(value, RESERVED_POINTER);
            return new Entry(level, index, address, value, isInRam, value & FRAME_4K, 0, reserved);
        }
        long alwaysReserved = ~PHYSICAL_36 & (noExecute ? ~NO_EXECUTE : -1);
        if (level == Level.DIRECTORY && (value & LARGE) != 0) {
            long reserved = reserved(value, alwaysReserved | RESERVED_LARGE_PAE);
            return new Entry(level, index, address, value, isInRam, value & FRAME_2M, 1 << 21, reserved);
        }
        long pageSize = level == Level.TABLE ? 1 << 12 : 0;
        long reserved = reserved(value, alwaysReserved);
        return new Entry(level, index, address, value, isInRam, value & FRAME_4K, pageSize, reserved);
    }

    private static long reserved(long value, long mask) {
        return (value & PRESENT) != 0 ? value & mask : 0;
    }

    /** Returns an entry of a table; nothing answers beyond RAM, so that all ones are read there. */
    private long read(long address, int width) {
        if (!isInRam(address, width)) {
            return width == 4 ? LOW_32 : -1;
        }
        return width == 4 ? memory.readInt(address) & LOW_32 : memory.readLong(address);
    }

    private boolean isInRam(long address, int width) {
        return address <= memory.size() - width;
    }
}
