package dev.kvmguest.vmm.internal.x86;

/**
 * The fields of a segment selector (Intel SDM volume 3A, 3.4.2), and of the error codes that are made of one (volume
 * 3A, 6.13).
 */
public final class Selector {

    /** In an error code, in place of the two bits of RPL: delivering an external event caused the exception. */
    public static final int EXTERNAL = 1;
    /** In an error code, in place of the two bits of RPL: the index is one into the IDT. */
    public static final int IN_IDT = 1 << 1;
    /** The table indicator: the index is one into the LDT. */
    public static final int IN_LDT = 1 << 2;

    /** Index and table indicator, which are all that an error code has of a selector. */
    public static final int WITHOUT_RPL = 0xfffc;

    private static final int RPL = 3;
    private static final int INDEX_SHIFT = 3;
    private static final int OFFSET = 0xfff8;

    private Selector() {}

    /** Returns whether a selector is null: entry 0 of the GDT, whatever its RPL. */
    public static boolean isNull(int selector) {
        return (selector & ~RPL) == 0;
    }

    /** Returns whether a selector is one into the LDT. */
    public static boolean isLocal(int selector) {
        return (selector & IN_LDT) != 0;
    }

    /** Returns a selector's requested privilege level, 0 to 3. */
    public static int rpl(int selector) {
        return selector & RPL;
    }

    /** Returns a selector with another requested privilege level. */
    public static int withRpl(int selector, int level) {
        return selector & ~RPL | level;
    }

    /** Returns the number of the table's entry, 0 to 8191. */
    public static int index(int selector) {
        return (selector & OFFSET) >> INDEX_SHIFT;
    }

    /** Returns where the entry begins in its table. */
    public static int offset(int selector) {
        return selector & OFFSET;
    }

    /** Returns whether a table with a limit has all of the entry. */
    public static boolean isWithin(int selector, long limit) {
        return offset(selector) + SegmentDescriptor.BYTES - 1 <= limit;
    }
}
