package dev.kvmguest.vmm.internal.x86;

/**
 * The shape of page tables (Intel SDM volume 3A, 4.1.1): how many levels there are, how wide entries are, and which
 * bits of a linear address count at which level.
 */
public enum PagingMode {
    /** 32-bit paging (volume 3A, 4.3): a directory and tables of 1024 entries, pages of 4 KiB and 4 MiB. */
    BITS_32(PageLevel.DIRECTORY, 4, 10, 0xffff_f000L),
    /** PAE paging (volume 3A, 4.4): four directories, and entries for 36-bit addresses, pages of 4 KiB and 2 MiB. */
    PAE(PageLevel.POINTER, 8, 9, 0xffff_ffe0L),
    /** 4-level paging (volume 3A, 4.5), that of long mode: pages of 4 KiB, 2 MiB and 1 GiB. */
    LEVELS_4(PageLevel.MAP, 8, 9, PagingMode.PHYSICAL & -PagingMode.PAGE);

    /** The bits of a physical address: {@value #PHYSICAL_BITS}, as CPUID says. */
    public static final int PHYSICAL_BITS = 36;

    /** Those bits, set. */
    public static final long PHYSICAL = (1L << PHYSICAL_BITS) - 1;

    /** Bytes of the smallest page, and of a table. */
    public static final int PAGE = 1 << 12;

    private static final int PAGE_SHIFT = 12;
    private static final int POINTERS = 4;
    private static final PageLevel[] LEVELS = PageLevel.values();

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

    /** Returns the mode that is chosen once CR0.PG is set: by EFER.LME, and outside long mode by CR4. */
    public static PagingMode of(long cr4, long efer) {
        if ((efer & Efer.LME) != 0) {
            return LEVELS_4;
        }
        return (cr4 & Cr4.PAE) != 0 ? PAE : BITS_32;
    }

    /** Returns whether entries of a level are read when CR3 is loaded, and have no rights: those of PAE's pointers. */
    public boolean isLoadedWithCr3(PageLevel level) {
        return this == PAE && level == PageLevel.POINTER;
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
        return isLoadedWithCr3(level) ? POINTERS : 1 << indexBits;
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
        return LEVELS[PageLevel.TABLE.ordinal() - (shift - PAGE_SHIFT) / indexBits];
    }
}
