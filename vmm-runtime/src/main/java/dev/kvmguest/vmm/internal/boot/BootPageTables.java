package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;

/**
 * The page directory, and for 4 KiB pages the two tables, that a paged guest finds: linear 0 and 0x80000000 map
 * physical 0, linear 0x80400000 maps physical 0x400000. Pages are writable and for the supervisor only. Source: Intel
 * SDM volume 3A, 4.3, "32-Bit Paging".
 */
final class BootPageTables {

    static final long DIRECTORY = 0x10_0000;

    private static final int PAGE = PagingMode.PAGE;
    private static final int LARGE_PAGE = (int) PagingMode.BITS_32.span(PageLevel.DIRECTORY);
    private static final int ENTRIES = PagingMode.BITS_32.entries(PageLevel.TABLE);

    /** Directory entries and which 4 MiB of physical memory each maps: linear 0, 0x80000000 and 0x80400000. */
    private static final int[][] MAP = {{0, 0}, {0x200, 0}, {0x201, 1}};

    private static final int TABLES = 2;

    private BootPageTables() {}

    static void take(LayoutPlan layout, boolean smallPages) {
        layout.take(Kind.PAGE_DIRECTORY, "the boot page directory", DIRECTORY, DIRECTORY + PAGE);
        if (smallPages) {
            layout.take(Kind.PAGE_TABLES, "the boot page tables", DIRECTORY + PAGE, DIRECTORY + PAGE + TABLES * PAGE);
        }
    }

    /** Writes a directory of 4 MiB pages. */
    static void writeLargePages(GuestMemory memory) {
        for (int[] entry : MAP) {
            writeEntry(memory, DIRECTORY, entry[0], entry[1] * LARGE_PAGE | PageEntry.LARGE);
        }
    }

    /** Writes a directory and the tables after it, the same map in 4 KiB pages. */
    static void writeSmallPages(GuestMemory memory) {
        for (int table = 0; table < TABLES; table++) {
            for (int i = 0; i < ENTRIES; i++) {
                writeEntry(memory, tableAddress(table), i, table * LARGE_PAGE + i * PAGE);
            }
        }
        for (int[] entry : MAP) {
            writeEntry(memory, DIRECTORY, entry[0], tableAddress(entry[1]));
        }
    }

    private static long tableAddress(int table) {
        return DIRECTORY + PAGE + (long) table * PAGE;
    }

    private static void writeEntry(GuestMemory memory, long table, int index, long value) {
        long address = table + (long) index * PagingMode.BITS_32.entryBytes();
        memory.writeInt(address, (int) (value | PageEntry.PRESENT | PageEntry.WRITABLE));
    }
}
