package dev.kvmguest.vmm.internal.x86;

/** The bits of an entry of a page table, whatever its level and width (Intel SDM volume 3A, 4.3 to 4.5). */
public final class PageEntry {

    public static final long PRESENT = 1;
    public static final long WRITABLE = 1 << 1;
    /** Ring 3 may use what it leads to. */
    public static final long USER = 1 << 2;

    public static final long ACCESSED = 1 << 5;
    /** Set in the entry of a page that was written. */
    public static final long DIRTY = 1 << 6;
    /** Set in the entry of a table's level that leads to a large page instead. */
    public static final long LARGE = 1 << 7;
    /** No instruction may be fetched from there, if EFER.NXE is set. */
    public static final long NO_EXECUTE = 1L << 63;

    private PageEntry() {}
}
