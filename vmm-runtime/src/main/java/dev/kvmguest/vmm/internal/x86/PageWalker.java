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

    private static final long LOW_32 = 0xffff_ffffL;
    private static final long PHYSICAL_36 = (1L << 36) - 1;
    private static final long OFFSET_4K = 0xfff;

    private static final long RESERVED_POINTER = ~PHYSICAL_36 | 0x1e6;
    private static final long RESERVED_LARGE_PAE = 0x1f_e000;
    /** Bits 21:17 of a 4 MiB entry; 16:13 are address bits 35:32 (PSE-36). */
    private static final long RESERVED_LARGE_32 = 0x3e_0000;

    private static final long PSE_36 = 0x1_e000;
    private static final int PSE_36_SHIFT = 19;

    private PagingMode mode;
    private boolean largePages;
    private boolean noExecute;
    private long linear;

    private PageLevel level;
    private long table;
    private long entry;

    /**
     * Begins a walk, at the table that CR3 leads to.
     *
     * @param linearAddress 32 bits
     */
    public void start(long cr3, long cr4, long efer, long linearAddress) {
        mode = PagingMode.of(cr4);
        // PAE has large pages whatever PSE is.
        largePages = mode == PagingMode.PAE || (cr4 & Cr4.PSE) != 0;
        noExecute = (efer & Efer.NXE) != 0;
        linear = linearAddress;
        level = mode.top();
        table = mode.root(cr3);
    }

    /** Returns which table the walk is at. */
    public PageLevel level() {
        return level;
    }

    /** Returns the number of the entry there. */
    public int index() {
        return mode.index(level, linear);
    }

    /** Returns the physical address of the entry there. */
    public long address() {
        return table + (long) index() * mode.entryBytes();
    }

    /** Returns the bytes of an entry: 4 or 8. */
    public int entryBytes() {
        return mode.entryBytes();
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
        return level == PageLevel.TABLE || level == PageLevel.DIRECTORY && largePages && (entry & PageEntry.LARGE) != 0;
    }

    /** Returns those bits of a present entry that must be 0 and aren't; 0 if it isn't present. */
    public long reserved() {
        return isPresent() ? entry & mustBeZero() : 0;
    }

    private long mustBeZero() {
        boolean large = level == PageLevel.DIRECTORY && isPage();
        if (mode == PagingMode.BITS_32) {
            return large ? RESERVED_LARGE_32 : 0;
        }
        return level == PageLevel.POINTER
                ? RESERVED_POINTER
                : ~PHYSICAL_36 & (noExecute ? ~PageEntry.NO_EXECUTE : -1) | (large ? RESERVED_LARGE_PAE : 0);
    }

    /** Returns the physical address of what the entry leads to, a table or a page. */
    public long frame() {
        long frame = entry & PHYSICAL_36 & ~(isPage() ? pageSize() - 1 : OFFSET_4K);
        if (mode == PagingMode.PAE) {
            return frame;
        }
        boolean large = level == PageLevel.DIRECTORY && isPage();
        return frame & LOW_32 | (large ? (entry & PSE_36) << PSE_36_SHIFT : 0);
    }

    /** Returns the bytes of the page that the entry leads to. */
    public long pageSize() {
        return mode.span(level);
    }

    /** Goes to the table that the entry leads to. The entry must be present, and none of a page. */
    public void descend() {
        table = frame();
        level = level.next();
    }

    /** Returns the physical address that the walk has come to. The entry must be that of a page. */
    public long physical() {
        return frame() | linear & pageSize() - 1;
    }
}
