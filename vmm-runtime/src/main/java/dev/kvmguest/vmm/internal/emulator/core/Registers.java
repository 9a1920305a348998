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

    /** In the number of a byte register: it is bits 15:8 of the general register that the rest numbers, AH to BH. */
    public static final int HIGH_BYTE = 0x20;

    private static final long LOW_32 = 0xffff_ffffL;

    /** The registers by number; {@link #NONE} must not be written. */
    public final long[] gpr = new long[NONE + 1];

    /**
     * Returns the number of the byte register that an instruction means: 4 to 7 are AH to BH, but SPL to DIL beside a
     * REX prefix (Intel SDM volume 2A, 2.2.1.2).
     *
     * @param encoded three bits of the instruction, 0 to 7; with one more of a REX prefix to 15
     * @param hasRex whether there is a REX prefix
     */
    public static int byteRegister(int encoded, boolean hasRex) {
        return hasRex || encoded < RSP ? encoded : HIGH_BYTE | encoded - RSP;
    }

    /**
     * Returns a register, zero-extended.
     *
     * @param number 0 to 15; of one byte also AH to BH, {@link #HIGH_BYTE} and 0 to 3
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
        return (number & HIGH_BYTE) == 0 ? gpr[number] & 0xff : gpr[number - HIGH_BYTE] >>> 8 & 0xff;
    }

    private void set8(int number, long value) {
        if ((number & HIGH_BYTE) == 0) {
            gpr[number] = gpr[number] & ~0xffL | value & 0xff;
        } else {
            int whole = number - HIGH_BYTE;
            gpr[whole] = gpr[whole] & ~0xff00L | (value & 0xff) << 8;
        }
    }
}
