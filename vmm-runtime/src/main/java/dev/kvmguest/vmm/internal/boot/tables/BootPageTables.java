package dev.kvmguest.vmm.internal.boot.tables;

import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalLong;

/**
 * The page directory, and for 4 KiB pages the two tables, that a paged guest finds: linear 0 and 0x80000000 map
 * physical 0, linear 0x80400000 maps physical 0x400000. Pages are writable and for the supervisor only. Source: Intel
 * SDM volume 3A, 4.3, "32-Bit Paging".
 *
 * @param directory the physical address of the directory
 * @param tables the physical address of the tables, for 4 KiB pages; empty for 4 MiB pages, which need none
 */
public record BootPageTables(long directory, OptionalLong tables) {

    /** Where the directory is if the image isn't there. */
    private static final long USUAL = 0x10_0000;

    /** Tables of all kinds are found by their linear addresses, so that they stay in what is mapped to itself. */
    static final long IDENTITY_END = 0x40_0000;

    private static final int PAGE = PagingMode.PAGE;
    private static final int LARGE_PAGE = (int) PagingMode.BITS_32.span(PageLevel.DIRECTORY);
    private static final int ENTRIES = PagingMode.BITS_32.entries(PageLevel.TABLE);

    /** Directory entries and which 4 MiB of physical memory each maps: linear 0, 0x80000000 and 0x80400000. */
    private static final int[][] MAP = {{0, 0}, {0x200, 0}, {0x201, 1}};

    private static final int TABLES = 2;

    /** Takes room for the directory and, for 4 KiB pages, the tables after it. */
    public static BootPageTables take(LayoutPlan layout, boolean smallPages) {
        long directory =
                layout.takeOrMove(Kind.PAGE_DIRECTORY, "the boot page directory", PAGE, USUAL, PAGE, IDENTITY_END);
        OptionalLong tables = smallPages
                ? OptionalLong.of(layout.takeOrMove(
                        Kind.PAGE_TABLES, "the boot page tables", TABLES * PAGE, USUAL + PAGE, PAGE, IDENTITY_END))
                : OptionalLong.empty();
        return new BootPageTables(directory, tables);
    }

    /** Writes them. */
    public void write(GuestMemory memory) {
        if (tables.isPresent()) {
            writeSmallPages(memory);
        } else {
            writeLargePages(memory);
        }
    }

    private void writeLargePages(GuestMemory memory) {
        for (int[] entry : MAP) {
            writeEntry(memory, entry[0], entry[1] * LARGE_PAGE | PageEntry.LARGE);
        }
    }

    private void writeSmallPages(GuestMemory memory) {
        // Put together first: a guest's memory is written by the page much faster than by the entry.
        ByteBuffer pages = ByteBuffer.allocate(TABLES * PAGE).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < TABLES * ENTRIES; i++) {
            pages.putInt(entry(i * PAGE));
        }
        memory.write(tables.getAsLong(), pages.array());
        for (int[] entry : MAP) {
            writeEntry(memory, entry[0], tables.getAsLong() + (long) entry[1] * PAGE);
        }
    }

    private void writeEntry(GuestMemory memory, int index, long value) {
        memory.writeInt(directory + (long) index * PagingMode.BITS_32.entryBytes(), entry(value));
    }

    private static int entry(long value) {
        return (int) (value | PageEntry.PRESENT | PageEntry.WRITABLE);
    }
}
