package dev.kvmguest.vmm.internal.emulator.core;

/**
 * The general registers. All are 64 bits wide; writing 32 bits clears the upper half, as in long mode, and 16 or 8 bits
 * leave the rest (Intel SDM volume 1, 3.4.1.1).
 */
public final class Registers {

    public static final int RAX = 0;
    public static final int RCX = 1;
    public static final int RDX = 2;
    public static final int RBX = 3;
    public static final int RSP = 4;
    public static final int RBP = 5;
    public static final int RSI = 6;
    public static final int RDI = 7;
    /** A register that is always 0, for addresses without base or index. */
    public static final int NONE = 16;

    private static final long LOW_32 = 0xffff_ffffL;

    /** The registers by number; {@link #NONE} must not be written. */
    public final long[] gpr = new long[NONE + 1];

    /**
     * Returns a register, zero-extended.
     *
     * @param number 0 to 15; of one byte, 4 to 7 are AH, CH, DH and BH
     * @param width bytes: 1, 2, 4 or 8
     */
    public long get(int number, int width) {
        return switch (width) {
            case 4 -> gpr[number] & LOW_32;
            case 2 -> gpr[number] & 0xffff;
            case 1 -> get8(number);
            default -> gpr[number];
        };
    }

    /** Sets a register from the lowest {@code width} bytes of the value. */
    public void set(int number, int width, long value) {
        switch (width) {
            case 4 -> gpr[number] = value & LOW_32;
            case 2 -> gpr[number] = gpr[number] & ~0xffffL | value & 0xffff;
            case 1 -> set8(number, value);
            default -> gpr[number] = value;
        }
    }

    private long get8(int number) {
        return (number & 4) == 0 ? gpr[number] & 0xff : gpr[number - 4] >>> 8 & 0xff;
    }

    private void set8(int number, long value) {
        if ((number & 4) == 0) {
            gpr[number] = gpr[number] & ~0xffL | value & 0xff;
        } else {
            gpr[number - 4] = gpr[number - 4] & ~0xff00L | (value & 0xff) << 8;
        }
    }
}
