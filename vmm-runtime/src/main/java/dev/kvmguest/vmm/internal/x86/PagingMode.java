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

    private static final int PAGE_SHIFT = 12;
    private static final int POINTERS = 4;

    private final PageLevel top;
    private final int entryBytes;
    private final int indexBits;
    private final long rootMask;

    PagingMode(PageLevel top, int entryBytes, int indexBits, long rootMask) {
        this.top = top;
        this.entryBytes = entryBytes;
        this.indexBits = indexBits;
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

    /** Returns which entry of a table a linear address of 32 bits has. */
    public int index(PageLevel level, long linear) {
        return (int) (linear >>> shift(level)) & entries(level) - 1;
    }

    /** Returns the bytes that an entry spans, as a page or by the tables below it. */
    public long span(PageLevel level) {
        return 1L << shift(level);
    }

    private int shift(PageLevel level) {
        return PAGE_SHIFT + indexBits * (PageLevel.TABLE.ordinal() - level.ordinal());
    }
}
