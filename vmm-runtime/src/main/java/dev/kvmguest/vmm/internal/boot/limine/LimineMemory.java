package dev.kvmguest.vmm.internal.boot.limine;

import dev.kvmguest.vmm.internal.boot.layout.E820Map;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The memory map that a Limine kernel gets. Entries are in ascending order, no two have an address in common, and those
 * of memory that is or becomes usable are whole pages.
 *
 * <p>Source: The Limine Boot Protocol, base revision 6, "Memory Map Feature".
 */
final class LimineMemory {

    private static final long PAGE = LimineExecutable.PAGE;
    /** By base revisions up to this one, the first page isn't for kernels. */
    private static final int LAST_WITHOUT_FIRST_PAGE = 2;

    /** What memory is for. */
    enum Type {
        USABLE(0),
        RESERVED(1),
        BOOTLOADER_RECLAIMABLE(5),
        EXECUTABLE_AND_MODULES(6),
        FRAMEBUFFER(7);

        private final int number;

        Type(int number) {
            this.number = number;
        }

        /** Returns what the protocol has for it. */
        int number() {
            return number;
        }
    }

    /**
     * Memory of one type.
     *
     * @param start its first address
     * @param end the address after its last
     * @param type what it is for
     */
    record Entry(long start, long end, Type type) {}

    private LimineMemory() {}

    /**
     * Returns the map.
     *
     * @param ram the memory of the PC
     * @param framebuffer the video memory in it
     * @param taken what the loader has taken of it, whole pages in ascending order
     */
    static List<Entry> map(
            List<E820Map.Entry> ram, Optional<LinearFramebuffer> framebuffer, List<Entry> taken, int baseRevision) {
        List<Entry> map = new ArrayList<>();
        for (E820Map.Entry entry : ram) {
            if (entry.available()) {
                boolean first = entry.start() == 0 && baseRevision <= LAST_WITHOUT_FIRST_PAGE;
                addUsable(map, first ? PAGE : entry.start(), entry.end(), taken);
            } else {
                boolean video = framebuffer.isPresent() && framebuffer.get().address() == entry.start();
                map.add(new Entry(entry.start(), entry.end(), video ? Type.FRAMEBUFFER : Type.RESERVED));
            }
        }
        map.sort(Comparator.comparingLong(Entry::start));
        return map;
    }

    private static void addUsable(List<Entry> map, long start, long end, List<Entry> taken) {
        long from = start + PAGE - 1 & -PAGE;
        long to = end & -PAGE;
        for (Entry entry : taken) {
            if (entry.start() >= from && entry.end() <= to) {
                addUsable(map, from, entry.start());
                addTaken(map, entry);
                from = entry.end();
            }
        }
        addUsable(map, from, to);
    }

    private static void addUsable(List<Entry> map, long start, long end) {
        if (start < end) {
            map.add(new Entry(start, end, Type.USABLE));
        }
    }

    private static void addTaken(List<Entry> map, Entry entry) {
        Entry last = map.isEmpty() ? entry : map.get(map.size() - 1);
        if (last.type() == entry.type() && last.end() == entry.start()) {
            map.set(map.size() - 1, new Entry(last.start(), entry.end(), entry.type()));
        } else {
            map.add(entry);
        }
    }

    /**
     * Maps what a base revision maps beside the kernel: the memory of the map from the HHDM's offset on, up to base
     * revision 2 all of the first 4 GiB with it, and by base revision 0 each address but the first page to itself.
     */
    static void mapDirectly(LiminePageTables tables, List<Entry> map, int baseRevision, long rights) {
        long unconditional = baseRevision < 3 ? 1L << 32 : 0;
        tables.map(LimineHandover.HHDM, 0, unconditional, rights);
        for (Entry entry : coalesced(map, baseRevision)) {
            long start = Math.max(entry.start(), unconditional);
            if (start < entry.end()) {
                tables.map(LimineHandover.HHDM + start, start, entry.end() - start, rights);
            }
        }
        if (baseRevision == 0) {
            tables.map(PAGE, PAGE, (1L << 32) - PAGE, rights);
            coalesced(map, baseRevision).stream()
                    .filter(entry -> entry.start() >= 1L << 32)
                    .forEach(entry -> tables.map(entry.start(), entry.start(), entry.end() - entry.start(), rights));
        }
    }

    /** Returns what is mapped of a map, in whole pages, with ranges as long as they can be. */
    private static List<Entry> coalesced(List<Entry> map, int baseRevision) {
        List<Entry> ranges = new ArrayList<>();
        for (Entry entry : map) {
            if (entry.type() == Type.RESERVED && baseRevision != 0) {
                continue;
            }
            long start = entry.start() & -PAGE;
            long end = entry.end() + PAGE - 1 & -PAGE;
            Entry last = ranges.isEmpty() ? null : ranges.get(ranges.size() - 1);
            if (last != null && last.end() >= start) {
                ranges.set(ranges.size() - 1, new Entry(last.start(), end, last.type()));
            } else {
                ranges.add(new Entry(start, end, entry.type()));
            }
        }
        return ranges;
    }
}
