package dev.kvmguest.vmm.internal.emulator.decode;

/** What 64-bit mode does to the operand size of a form (Intel SDM volume 2D, table A-1 and volume 2A, 2.2.1.7). */
enum OperandSize64 {
    /** 32 bits, 64 with REX.W and 16 with prefix 66. */
    BY_PREFIX,
    /** 64 bits, 16 with prefix 66: there is no way to say 32. */
    DEFAULT_64,
    /** 64 bits always. */
    ALWAYS_64,
    /** 32 bits, and 16 with prefix 66: REX.W only takes that prefix's effect away. */
    UP_TO_32;

    /** Returns what a word of the opcode map stands for; that which it doesn't know says nothing about sizes. */
    static OperandSize64 of(String mode) {
        return switch (mode) {
            case "d64" -> DEFAULT_64;
            case "f64" -> ALWAYS_64;
            case "n64" -> UP_TO_32;
            default -> BY_PREFIX;
        };
    }

    /**
     * Returns the operand size in bytes.
     *
     * @param byPrefix what prefixes alone would make it: 2, 4 or 8
     */
    int apply(int byPrefix) {
        return switch (this) {
            case BY_PREFIX -> byPrefix;
            case DEFAULT_64 -> byPrefix == 2 ? 2 : 8;
            case ALWAYS_64 -> 8;
            case UP_TO_32 -> Math.min(byPrefix, 4);
        };
    }
}
