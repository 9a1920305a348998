package dev.kvmguest.vmm.internal.x86;

/**
 * The shape of page tables (Intel SDM volume 3A, 4.1.1): how many levels there are, how wide entries are, and which
 * bits of a linear address count at which level.
 */
public enum PagingMode {
    /** 32-bit paging (volume 3A, 4.3): a directory and tables of 1024 entries, pages of 4 KiB and 4 MiB. */
    BITS_32(PageLevel.DIRECTORY, 4, 10, 0xffff_f000L),
    /** PAE paging (volume 3A, 4.4): four directories, and entries for 36-bit addresses, pages of 4 KiB and 2 MiB. */
    PAE(PageLevel.POINTER, 8, 9, 0xffff_ffe0L);

    /** Bytes of the smallest page, and of a table. */
    public static final int PAGE = 1 << 12;

    /** Where the bits of a linear address begin that choose one of PAE's four directories. */
    static final int POINTER_SHIFT = 30;

    private static final int PAGE_SHIFT = 12;
    private static final int POINTERS = 4;

    private final PageLevel top;
    private final int entryBytes;
    private final int indexBits;
    private final int topShift;
    private final long rootMask;

    PagingMode(PageLevel top, int entryBytes, int indexBits, long rootMask) {
        this.top = top;
        this.entryBytes = entryBytes;
        this.indexBits = indexBits;
        this.topShift = shift(top);
        this.rootMask = rootMask;
    }

    /** Returns the mode that CR4 chooses once CR0.PG is set. */
    public static PagingMode of(long cr4) {
        return (cr4 & Cr4.PAE) != 0 ? PAE : BITS_32;
    }

    /** Returns the level of the table that CR3 leads to. */
    public PageLevel top() {
        return top;
    }

    /** Returns the bytes of an entry. */
    public int entryBytes() {
        return entryBytes;
    }

    /** Returns the number of entries of a table. */
    public int entries(PageLevel level) {
        return level == PageLevel.POINTER ? POINTERS : 1 << indexBits;
    }

    /** Returns the physical address of the table that CR3 leads to. */
    public long root(long cr3) {
        return cr3 & rootMask;
    }

    /** Returns the bytes that an entry spans, as a page or by the tables below it. */
    public long span(PageLevel level) {
        return 1L << shift(level);
    }

    private int shift(PageLevel level) {
        return PAGE_SHIFT + indexBits * (PageLevel.TABLE.ordinal() - level.ordinal());
    }

    // Below, a level is the lowest bit of a linear address that counts there.

    int topShift() {
        return topShift;
    }

    int indexBits() {
        return indexBits;
    }

    PageLevel level(int shift) {
        return shift == PAGE_SHIFT ? PageLevel.TABLE : shift == POINTER_SHIFT ? PageLevel.POINTER : PageLevel.DIRECTORY;
    }
}
