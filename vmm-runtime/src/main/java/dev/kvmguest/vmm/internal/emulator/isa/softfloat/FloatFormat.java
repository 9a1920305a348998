package dev.kvmguest.vmm.internal.emulator.isa.softfloat;

/** The three binary floating-point formats (Intel SDM volume 1, 4.2.2). */
public enum FloatFormat {
    SINGLE(24, 8),
    DOUBLE(53, 11),
    /** Double extended precision, with an explicit integer bit. */
    EXTENDED(64, 15);

    /** Bits of the significand, the integer bit included. */
    public final int precision;
    /** The exponent of the largest finite numbers, and the bias. */
    public final int maxExponent;
    /** The exponent of the smallest normal numbers. */
    final int minExponent;

    FloatFormat(int precision, int exponentBits) {
        this.precision = precision;
        this.maxExponent = (1 << exponentBits - 1) - 1;
        this.minExponent = 1 - maxExponent;
    }
}
