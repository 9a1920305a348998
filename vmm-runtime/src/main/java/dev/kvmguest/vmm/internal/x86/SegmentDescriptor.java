package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.SegmentState;

/**
 * An entry of the GDT, an LDT or the IDT (Intel SDM volume 3A, 3.4.5, 3.5, 5.8.3 and 6.11).
 *
 * @param raw its eight bytes, little-endian
 */
public record SegmentDescriptor(long raw) {

    /** The bytes of a descriptor or a gate outside long mode. */
    public static final int BYTES = 8;
    /** Which of its bytes is the {@link #accessByte}. */
    public static final int ACCESS_BYTE = 5;

    // Types of system descriptors, volume 3A, table 3-2.
    public static final int LDT = 2;
    public static final int TASK_GATE = 5;
    private static final int TSS_16 = 1;
    private static final int CALL_GATE_16 = 4;
    private static final int INTERRUPT_GATE_16 = 6;
    private static final int TRAP_GATE_16 = 7;
    /** Set in the type of what is 32 bits wide: a TSS or a gate. */
    private static final int WIDE = 8;
    /** Set in the type of a TSS that is the current task's, or one that the current task returns to. */
    public static final int TSS_BUSY = 2;

    private static final int ACCESS_BYTE_SHIFT = 40;
    /** Access rights without the bits of the limit that lie between them. */
    private static final int RIGHTS = 0xf0ff;

    /**
     * Returns the descriptor of a segment.
     *
     * @param base the linear address of its first byte
     * @param limit the offset of its last byte; with {@link AccessRights#GRANULARITY}, that of a page
     * @param rights in the layout of {@link SegmentState#accessRights}
     */
    public static SegmentDescriptor of(long base, long limit, int rights) {
        long field = (rights & AccessRights.GRANULARITY) != 0 ? limit >>> 12 : limit;
        return new SegmentDescriptor(field & 0xffff
                | (field & 0xf_0000) << 32
                | (base & 0xff_ffff) << 16
                | (base >>> 24) << 56
                | (long) (rights & RIGHTS) << ACCESS_BYTE_SHIFT);
    }

    /** Returns the linear address of a segment's first byte. */
    public long base() {
        return raw >>> 16 & 0xff_ffff | (raw >>> 56) << 24;
    }

    /** Returns the offset of a segment's last byte (of an expand-down one, the byte below its first), in bytes. */
    public long limit() {
        long field = raw & 0xffff | raw >>> 32 & 0xf_0000;
        return (rights() & AccessRights.GRANULARITY) != 0 ? field << 12 | 0xfff : field;
    }

    /** Returns the access rights in the layout of {@link SegmentState#accessRights}. */
    public int rights() {
        return (int) (raw >>> ACCESS_BYTE_SHIFT) & RIGHTS;
    }

    /** Returns the upper four bytes, where the access rights are. */
    public long upperHalf() {
        return raw >>> 32;
    }

    /** Returns the byte with P, DPL, S and the type, the sixth of the descriptor. */
    public int accessByte() {
        return (int) (raw >>> ACCESS_BYTE_SHIFT) & 0xff;
    }

    /** Returns the four bits of the type. */
    public int type() {
        return rights() & 0xf;
    }

    /** Returns the descriptor privilege level, 0 to 3. */
    public int dpl() {
        return rights() >> AccessRights.DPL_SHIFT & 3;
    }

    public boolean isPresent() {
        return (rights() & AccessRights.PRESENT) != 0;
    }

    /** Returns whether this is a code or data segment, by the S bit; else it is a system segment or a gate. */
    public boolean isCodeOrData() {
        return (rights() & AccessRights.CODE_OR_DATA) != 0;
    }

    public boolean isCode() {
        return isCodeOrData() && (type() & AccessRights.CODE) != 0;
    }

    public boolean isConforming() {
        return isCode() && (type() & AccessRights.EXPAND_DOWN_OR_CONFORMING) != 0;
    }

    /** Returns whether this is a data segment, or a code segment that can be read. */
    public boolean isReadable() {
        return isCodeOrData()
                && ((type() & AccessRights.CODE) == 0 || (type() & AccessRights.WRITABLE_OR_READABLE) != 0);
    }

    /** Returns whether this is a data segment that can be written. */
    public boolean isWritable() {
        return isCodeOrData() && (type() & AccessRights.CODE) == 0 && (type() & AccessRights.WRITABLE_OR_READABLE) != 0;
    }

    /** Returns whether this is a data segment whose offsets are those above its limit. */
    public boolean isExpandDown() {
        return isCodeOrData()
                && (type() & AccessRights.CODE) == 0
                && (type() & AccessRights.EXPAND_DOWN_OR_CONFORMING) != 0;
    }

    /** Returns whether the segment has been loaded before; for code and data only. */
    public boolean isAccessed() {
        return (type() & AccessRights.ACCESSED) != 0;
    }

    /** Returns L: 64-bit code, in long mode. */
    public boolean isLong() {
        return (rights() & AccessRights.LONG) != 0;
    }

    /** Returns D/B: 32-bit code, or a 32-bit stack pointer. */
    public boolean default32() {
        return (rights() & AccessRights.BIG) != 0;
    }

    /** Returns whether this is a system descriptor of this type. */
    public boolean isSystem(int type) {
        return !isCodeOrData() && type() == type;
    }

    /** Returns whether this is the descriptor of a TSS, 16 or 32 bits wide, busy or not. */
    public boolean isTss() {
        return !isCodeOrData() && (type() & ~(WIDE | TSS_BUSY)) == TSS_16;
    }

    /** Returns whether this is the descriptor of a TSS that isn't busy. */
    public boolean isAvailableTss() {
        return isTss() && (type() & TSS_BUSY) == 0;
    }

    public boolean isCallGate() {
        return !isCodeOrData() && (type() & ~WIDE) == CALL_GATE_16;
    }

    public boolean isTaskGate() {
        return isSystem(TASK_GATE);
    }

    /** Returns whether this is a gate that clears IF. */
    public boolean isInterruptGate() {
        return !isCodeOrData() && (type() & ~WIDE) == INTERRUPT_GATE_16;
    }

    public boolean isTrapGate() {
        return !isCodeOrData() && (type() & ~WIDE) == TRAP_GATE_16;
    }

    /** Returns whether this TSS or gate is a 32-bit one. */
    public boolean isWide() {
        return (type() & WIDE) != 0;
    }

    /** Returns the bytes that each push of a call, interrupt or trap gate takes: 4, or 2 of a 16-bit gate. */
    public int gateWidth() {
        return isWide() ? 4 : 2;
    }

    /** Returns the selector in a gate. */
    public int gateSelector() {
        return (int) (raw >>> 16) & 0xffff;
    }

    /** Returns the offset in a gate. */
    public long gateOffset() {
        long low = raw & 0xffff;
        return gateWidth() == 4 ? low | raw >>> 48 << 16 : low;
    }

    /** Returns how many parameters a call gate copies, 0 to 31. */
    public int gateParameters() {
        return (int) (raw >>> 32) & 0x1f;
    }

    /** Returns the register that holds this code or data segment after it was loaded: accessed. */
    public SegmentState loaded(int selector) {
        return new SegmentState(selector, base(), limit(), rights() | AccessRights.ACCESSED);
    }

    /** Returns the register that holds this LDT, or this TSS, as it is. */
    public SegmentState loadedSystem(int selector) {
        return new SegmentState(selector, base(), limit(), rights());
    }
}
