package dev.kvmguest.vmm.internal.x86;

/** The bits of a page fault's error code (Intel SDM volume 3A, 4.7). */
public final class PageFaultCode {

    /** A page was there, and its rights or a reserved bit were in the way. */
    public static final int PRESENT = 1;

    public static final int WRITE = 1 << 1;
    /** In ring 3. */
    public static final int USER = 1 << 2;
    /** A reserved bit of an entry was set. */
    public static final int RESERVED = 1 << 3;
    /** An instruction was fetched; set only where EFER.NXE is. */
    public static final int FETCH = 1 << 4;

    private PageFaultCode() {}
}
