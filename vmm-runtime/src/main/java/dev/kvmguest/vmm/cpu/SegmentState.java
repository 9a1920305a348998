package dev.kvmguest.vmm.cpu;

/**
 * A segment register: the selector and the descriptor that the processor cached when it was loaded.
 *
 * @param selector the selector, 0 to 0xffff; in real mode the segment
 * @param base the linear address of the segment's first byte
 * @param limit the offset of its last byte, granularity already applied, 0 to 0xffffffff
 * @param accessRights type, S, DPL, P, AVL, L, D/B and G in the layout of a VMCS access-rights field (Intel SDM volume
 *     3C, 24.4.1, table 24-2): bits 3:0 type, 4 S, 6:5 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G, 16 unusable
 */
public record SegmentState(int selector, long base, long limit, int accessRights) {

    /** The access right that marks a register holding no segment, as LDTR after a null selector. */
    public static final int UNUSABLE = 1 << 16;

    private static final int PRESENT = 1 << 7;
    private static final int CODE_OR_DATA = 1 << 4;
    private static final int DEFAULT_32 = 1 << 14;
    private static final int GRANULARITY = 1 << 15;
    private static final int TYPE_DATA_ACCESSED_WRITABLE = 3;
    private static final int TYPE_CODE_ACCESSED_READABLE = 11;
    private static final int TYPE_BUSY_TSS_32 = 11;

    /** Returns the real-mode segment {@code segment}: base segment * 16, limit 0xffff, writable. */
    public static SegmentState real(int segment) {
        return new SegmentState(segment, segment * 16L, 0xffff, PRESENT | CODE_OR_DATA | TYPE_DATA_ACCESSED_WRITABLE);
    }

    /** Returns a present, readable 32-bit code segment from 0 to 4 GiB for the privilege level in the selector. */
    public static SegmentState flatCode(int selector) {
        return flat(selector, TYPE_CODE_ACCESSED_READABLE);
    }

    /** Returns a present, writable 32-bit data segment from 0 to 4 GiB for the privilege level in the selector. */
    public static SegmentState flatData(int selector) {
        return flat(selector, TYPE_DATA_ACCESSED_WRITABLE);
    }

    private static SegmentState flat(int selector, int type) {
        int dpl = selector & 3;
        return new SegmentState(
                selector, 0, 0xffff_ffffL, GRANULARITY | DEFAULT_32 | PRESENT | dpl << 5 | CODE_OR_DATA | type);
    }

    /** Returns a busy 32-bit TSS at base 0 with limit 0xffff and a null selector, the state of TR after a reset. */
    public static SegmentState resetTask() {
        return new SegmentState(0, 0, 0xffff, PRESENT | TYPE_BUSY_TSS_32);
    }

    /** Returns a register that holds no segment. */
    public static SegmentState unusable() {
        return new SegmentState(0, 0, 0, UNUSABLE);
    }

    /** Returns the four type bits (Intel SDM volume 3A, 3.4.5.1 and 3.5). */
    public int type() {
        return accessRights & 0xf;
    }

    /** Returns whether this is a code or data segment, not a system segment. */
    public boolean codeOrData() {
        return (accessRights & CODE_OR_DATA) != 0;
    }

    /** Returns the descriptor privilege level, 0 to 3. */
    public int dpl() {
        return accessRights >> 5 & 3;
    }

    /** Returns the P bit. */
    public boolean present() {
        return (accessRights & PRESENT) != 0;
    }

    /** Returns the AVL bit. */
    public boolean available() {
        return (accessRights & 1 << 12) != 0;
    }

    /** Returns the L bit: 64-bit code. */
    public boolean longMode() {
        return (accessRights & 1 << 13) != 0;
    }

    /** Returns the D/B bit: 32-bit default size, or a 32-bit stack pointer. */
    public boolean default32() {
        return (accessRights & DEFAULT_32) != 0;
    }

    /** Returns the G bit. */
    public boolean granularity() {
        return (accessRights & GRANULARITY) != 0;
    }

    /** Returns whether the register holds no segment. */
    public boolean isUnusable() {
        return (accessRights & UNUSABLE) != 0;
    }
}
