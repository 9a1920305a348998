package dev.kvmguest.vmm.internal.boot.limine;

import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Page tables of four levels under construction, with pages of 2 MiB wherever a range has room for one. Tables are
 * numbered until it is known where they lie.
 *
 * <p>Source: Intel SDM volume 3A, 4.5, "4-Level Paging".
 */
final class LiminePageTables {

    private static final PagingMode MODE = PagingMode.LEVELS_4;
    private static final int PAGE = PagingMode.PAGE;
    private static final int ENTRIES = MODE.entries(PageLevel.TABLE);
    private static final long LARGE_PAGE = MODE.span(PageLevel.DIRECTORY);
    private static final long ADDRESS = (1L << 52) - PAGE;

    /** What leads to a table has all rights, and those of pages are in their own entries. */
    private static final long TABLE = PageEntry.PRESENT | PageEntry.WRITABLE;

    private final List<long[]> tables = new ArrayList<>();
    /** Of each table, the entries that lead to other tables: their numbers plus 1, else 0. */
    private final List<int[]> lower = new ArrayList<>();

    LiminePageTables() {
        add();
    }

    private int add() {
        tables.add(new long[ENTRIES]);
        lower.add(new int[ENTRIES]);
        return tables.size() - 1;
    }

    /**
     * Maps a range. Where something is mapped already, that stays.
     *
     * @param linear its first linear address, a multiple of a page
     * @param physical its first physical address, likewise
     * @param length its bytes, likewise
     * @param rights {@link PageEntry#WRITABLE} and {@link PageEntry#NO_EXECUTE}, as far as wanted
     */
    void map(long linear, long physical, long length, long rights) {
        long done = 0;
        while (done < length) {
            boolean large = ((linear + done | physical + done) & LARGE_PAGE - 1) == 0 && length - done >= LARGE_PAGE;
            PageLevel level = large ? PageLevel.DIRECTORY : PageLevel.TABLE;
            int table = table(linear + done, level);
            int index = index(linear + done, level);
            long size = large ? LARGE_PAGE : PAGE;
            long flags = rights | PageEntry.PRESENT | (large ? PageEntry.LARGE : 0);
            // As many as go into this table, which is found once for all of them.
            for (; index < ENTRIES && length - done >= size; index++, done += size) {
                if (tables.get(table)[index] == 0 && lower.get(table)[index] == 0) {
                    tables.get(table)[index] = physical + done | flags;
                }
            }
        }
    }

    private int table(long linear, PageLevel wanted) {
        int table = 0;
        for (PageLevel level = MODE.top(); level != wanted; level = PageLevel.values()[level.ordinal() + 1]) {
            int index = index(linear, level);
            if (lower.get(table)[index] == 0) {
                lower.get(table)[index] = add() + 1;
                split(table, index);
            }
            table = lower.get(table)[index] - 1;
        }
        return table;
    }

    /** Puts small pages in place of a large one, of which some are mapped otherwise. */
    private void split(int table, int index) {
        long entry = tables.get(table)[index];
        if (entry == 0) {
            return;
        }
        tables.get(table)[index] = 0;
        long[] pages = tables.get(lower.get(table)[index] - 1);
        for (int i = 0; i < ENTRIES; i++) {
            pages[i] = (entry & ~PageEntry.LARGE) + (long) i * PAGE;
        }
    }

    private static int index(long linear, PageLevel level) {
        return (int) (linear >>> Long.numberOfTrailingZeros(MODE.span(level)) & ENTRIES - 1);
    }

    /** Returns the bytes that they take. */
    long size() {
        return (long) tables.size() * PAGE;
    }

    /** Returns their bytes, of which the table that CR3 leads to comes first. */
    byte[] at(long address) {
        ByteBuffer bytes = ByteBuffer.allocate((int) size()).order(ByteOrder.LITTLE_ENDIAN);
        for (int table = 0; table < tables.size(); table++) {
            for (int i = 0; i < ENTRIES; i++) {
                int next = lower.get(table)[i];
                bytes.putLong(next == 0 ? tables.get(table)[i] : address + (next - 1L) * PAGE & ADDRESS | TABLE);
            }
        }
        return bytes.array();
    }
}
