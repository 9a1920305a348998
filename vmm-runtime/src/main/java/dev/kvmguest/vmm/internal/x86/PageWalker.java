package dev.kvmguest.vmm.internal.x86;

/**
 * Goes through page tables from CR3 to a page, entry by entry (Intel SDM volume 3A, 4.3 to 4.5): 32-bit, PAE and
 * 4-level paging.
 *
 * <p>A walker reads and writes no memory. Whoever uses it reads the entry at {@link #address}, hands it over by
 * {@link #take}, and goes on with {@link #descend} until the entry is not present or that of a page. What reserved bits
 * and rights come to is the user's business: the emulator raises a fault, a report goes on and tells. A walker can be
 * used again, and a walk allocates nothing.
 */
public final class PageWalker {

    private static final int PAGE_SHIFT = 12;
    /** Where the bits of a linear address begin that choose a page directory, of PAE's four or of 512. */
    private static final int POINTER_SHIFT = 30;
    /** Where those begin that choose an entry of long mode's outermost table. */
    private static final int MAP_SHIFT = 39;

    private static final long RESERVED_POINTER = ~PagingMode.PHYSICAL | 0x1e6;
    /** Bits 20:13 of a 2 MiB entry. */
    private static final long RESERVED_LARGE_PAE = 0x1f_e000;
    /** Bits 29:13 of a 1 GiB entry. */
    private static final long RESERVED_HUGE = 0x3fff_e000;
    /** In 4-level paging bits 62:52 are software's. */
    private static final long IGNORED_LEVELS_4 = 0x7ffL << 52;
    /** Bits 21:17 of a 4 MiB entry; 16:13 are address bits 35:32 (PSE-36). */
    private static final long RESERVED_LARGE_32 = 0x3e_0000;

    private static final long PSE_36 = 0x1_e000;
    private static final int PSE_36_SHIFT = 19;

    private PagingMode mode;
    private long linear;
    // What the mode says, one step nearer.
    private int entryBytes;
    private int indexBits;
    /** Bits that must be 0 in each entry below the pointers, and in those of large pages besides. */
    private long reservedAlways;

    private long reservedLarge;
    /** {@link PageEntry#LARGE} where there are large pages, else 0. */
    private long large;
    /** The lowest bit of a linear address that counts at this level. */
    private int shift;

    private long table;
    private long entry;

    /**
     * Begins a walk, at the table that CR3 leads to.
     *
     * @param linearAddress 32 bits; in long mode 64 bits, canonical
     */
    public void start(long cr3, long cr4, long efer, long linearAddress) {
        linear = linearAddress;
        mode = PagingMode.of(cr4, efer);
        if (mode == PagingMode.BITS_32) {
            large = (cr4 & Cr4.PSE) != 0 ? PageEntry.LARGE : 0;
            reservedAlways = 0;
            reservedLarge = RESERVED_LARGE_32;
        } else {
            large = PageEntry.LARGE;
            reservedAlways = ~PagingMode.PHYSICAL
                    & ((efer & Efer.NXE) != 0 ? ~PageEntry.NO_EXECUTE : -1)
                    & (mode == PagingMode.LEVELS_4 ? ~IGNORED_LEVELS_4 : -1);
            reservedLarge = RESERVED_LARGE_PAE;
        }
        entryBytes = mode.entryBytes();
        indexBits = mode.indexBits();
        shift = mode.topShift();
        table = mode.root(cr3);
    }

    /** Returns which table the walk is at. */
    public PageLevel level() {
        return mode.level(shift);
    }

    /** Returns whether the entry there is one that was read when CR3 was loaded, and has no rights. */
    public boolean isLoadedWithCr3() {
        return shift == POINTER_SHIFT && mode == PagingMode.PAE;
    }

    /** Returns the number of the entry there. */
    public int index() {
        return (int) (linear >>> shift) & (1 << indexBits) - 1;
    }

    /** Returns the physical address of the entry there. */
    public long address() {
        return table + (long) index() * entryBytes;
    }

    /** Returns the bytes of an entry: 4 or 8. */
    public int entryBytes() {
        return entryBytes;
    }

    /** Takes the entry that is at {@link #address}, zero-extended. */
    public void take(long value) {
        entry = value;
    }

    /** Returns the entry that was taken last. */
    public long entry() {
        return entry;
    }

    /** Returns whether the entry leads anywhere. */
    public boolean isPresent() {
        return (entry & PageEntry.PRESENT) != 0;
    }

    /** Returns whether the entry is that of a page; without meaning unless it is present. */
    public boolean isPage() {
        return shift == PAGE_SHIFT || isLargePage();
    }

    private boolean isLargePage() {
        return (entry & large) != 0 && shift != PAGE_SHIFT && shift != MAP_SHIFT && !isLoadedWithCr3();
    }

    /** Returns those bits of a present entry that must be 0 and aren't; 0 if it isn't present. */
    public long reserved() {
        if (!isPresent()) {
            return 0;
        }
        if (isLoadedWithCr3()) {
            return entry & RESERVED_POINTER;
        }
        if (shift == MAP_SHIFT) {
            return entry & (reservedAlways | PageEntry.LARGE);
        }
        return entry & (reservedAlways | (isLargePage() ? shift == POINTER_SHIFT ? RESERVED_HUGE : reservedLarge : 0));
    }

    /** Returns the physical address of what the entry leads to, a table or a page. */
    public long frame() {
        if (!isLargePage()) {
            return entry & PagingMode.PHYSICAL & -PagingMode.PAGE;
        }
        long frame = entry & PagingMode.PHYSICAL & -pageSize();
        return mode == PagingMode.BITS_32 ? frame | (entry & PSE_36) << PSE_36_SHIFT : frame;
    }

    /** Returns the bytes of the page that the entry leads to. */
    public long pageSize() {
        return 1L << shift;
    }

    /** Goes to the table that the entry leads to. The entry must be present, and none of a page. */
    public void descend() {
        table = frame();
        shift -= indexBits;
    }

    /** Returns the physical address that the walk has come to. The entry must be that of a page. */
    public long physical() {
        return frame() | linear & pageSize() - 1;
    }
}
