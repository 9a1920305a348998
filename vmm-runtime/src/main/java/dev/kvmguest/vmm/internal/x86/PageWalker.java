package dev.kvmguest.vmm.internal.x86;

/**
 * Goes through page tables from CR3 to a page, entry by entry (Intel SDM volume 3A, 4.3 and 4.4): 32-bit and PAE
 * paging.
 *
 * <p>A walker reads and writes no memory. Whoever uses it reads the entry at {@link #address}, hands it over by
 * {@link #take}, and goes on with {@link #descend} until the entry is not present or that of a page. What reserved bits
 * and rights come to is the user's business: the emulator raises a fault, a report goes on and tells. A walker can be
 * used again, and a walk allocates nothing.
 */
public final class PageWalker {

    private static final int PAGE_SHIFT = 12;
    private static final long PHYSICAL_36 = (1L << 36) - 1;

    private static final long RESERVED_POINTER = ~PHYSICAL_36 | 0x1e6;
    private static final long RESERVED_LARGE_PAE = 0x1f_e000;
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
     * @param linearAddress 32 bits
     */
    public void start(long cr3, long cr4, long efer, long linearAddress) {
        linear = linearAddress;
        if ((cr4 & Cr4.PAE) != 0) {
            mode = PagingMode.PAE;
            large = PageEntry.LARGE;
            reservedAlways = ~PHYSICAL_36 & ((efer & Efer.NXE) != 0 ? ~PageEntry.NO_EXECUTE : -1);
            reservedLarge = RESERVED_LARGE_PAE;
        } else {
            mode = PagingMode.BITS_32;
            large = (cr4 & Cr4.PSE) != 0 ? PageEntry.LARGE : 0;
            reservedAlways = 0;
            reservedLarge = RESERVED_LARGE_32;
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
        return (entry & large) != 0 && shift != PAGE_SHIFT && !isPointer();
    }

    private boolean isPointer() {
        return shift == PagingMode.POINTER_SHIFT;
    }

    /** Returns those bits of a present entry that must be 0 and aren't; 0 if it isn't present. */
    public long reserved() {
        if (!isPresent()) {
            return 0;
        }
        return entry & (isPointer() ? RESERVED_POINTER : reservedAlways | (isLargePage() ? reservedLarge : 0));
    }

    /** Returns the physical address of what the entry leads to, a table or a page. */
    public long frame() {
        if (!isLargePage()) {
            return entry & PHYSICAL_36 & -PagingMode.PAGE;
        }
        long frame = entry & PHYSICAL_36 & -pageSize();
        return mode == PagingMode.PAE ? frame : frame | (entry & PSE_36) << PSE_36_SHIFT;
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
