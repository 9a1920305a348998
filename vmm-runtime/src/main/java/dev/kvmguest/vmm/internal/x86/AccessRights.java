package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.SegmentState;

/**
 * The bits of a segment's access rights, in the layout of {@link SegmentState#accessRights}: the lower eight are the
 * access byte of a descriptor (Intel SDM volume 3A, 3.4.5).
 */
public final class AccessRights {

    /** Of the type of code and data: the segment has been loaded. */
    public static final int ACCESSED = 1;
    /** Of the type: data can be written, code can be read. */
    public static final int WRITABLE_OR_READABLE = 1 << 1;
    /** Of the type: data has its offsets above the limit, code runs in the ring that it is called from. */
    public static final int EXPAND_DOWN_OR_CONFORMING = 1 << 2;
    /** Of the type: code, not data. */
    public static final int CODE = 1 << 3;
    /** S: code or data, not a system segment or a gate. */
    public static final int CODE_OR_DATA = 1 << 4;

    /** Where the two bits of DPL begin. */
    public static final int DPL_SHIFT = 5;

    /** P. */
    public static final int PRESENT = 1 << 7;
    /** D/B: code of 32 bits, or a stack pointer of 32 bits. */
    public static final int BIG = 1 << 14;
    /** L: 64-bit code. */
    public static final int LONG = 1 << 13;
    /** G: the limit counts pages. */
    public static final int GRANULARITY = 1 << 15;

    private AccessRights() {}
}
