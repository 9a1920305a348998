package dev.kvmguest.vmm.internal.emulator.isa.alu;

/** Numbers of an operand's width inside a {@code long}. */
final class Widths {

    private Widths() {}

    /**
     * Returns a signed number, extended to 64 bits.
     *
     * @param value what has it in its lowest bytes
     * @param width bytes: 1, 2, 4 or 8
     */
    static long signExtend(long value, int width) {
        int unused = 64 - 8 * width;
        return value << unused >> unused;
    }
}
