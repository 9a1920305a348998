package dev.kvmguest.vmm.internal.x86;

/** Where the fields of a 64-bit TSS are (Intel SDM volume 3A, 7.7). */
public final class LongModeTask {

    /** Bytes of one without a map of ports. */
    public static final int SIZE = 0x68;

    /** The offset of the word that says where the map of ports begins. */
    public static final int IO_MAP_BASE = 0x66;

    private static final int RSP_0 = 4;
    private static final int IST_1 = 0x24;

    private LongModeTask() {}

    /**
     * Returns the offset of the stack pointer of an inner privilege level.
     *
     * @param level 0 to 2
     */
    public static int innerStack(int level) {
        return RSP_0 + Long.BYTES * level;
    }

    /**
     * Returns the offset of a stack pointer of the interrupt stack table.
     *
     * @param number 1 to 7
     */
    public static int interruptStack(int number) {
        return IST_1 + Long.BYTES * (number - 1);
    }
}
