package dev.kvmguest.vmm.internal.emulator.decode;

/** The REX prefix of 64-bit code (Intel SDM volume 2A, 2.2.1). As a number, 0 is none. */
final class Rex {

    /** The operand size is 64 bits. */
    static final int W = 8;
    /** The fourth bit of ModRM's reg field. */
    static final int R = 4;
    /** The fourth bit of the index register. */
    static final int X = 2;
    /** The fourth bit of the base register, or of the register in r/m or in the opcode. */
    static final int B = 1;

    private static final int FIRST = 0x40;

    private Rex() {}

    /** Returns whether a byte is such a prefix. */
    static boolean is(int octet) {
        return (octet & 0xf0) == FIRST;
    }

    /** Returns the number of the register that three bits mean, with one of the prefix's for their fourth. */
    static int extend(int rex, int bit, int low) {
        return (rex & bit) != 0 ? low | 8 : low;
    }
}
