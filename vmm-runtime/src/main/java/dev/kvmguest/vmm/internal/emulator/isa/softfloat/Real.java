package dev.kvmguest.vmm.internal.emulator.isa.softfloat;

/**
 * What a floating-point register or operand holds, apart from its format (Intel SDM volume 1, 4.8.3).
 *
 * @param kind what it is
 * @param negative the sign
 * @param significand of a finite number, with the highest bit set; of a NaN, integer bit, quiet bit and payload as in
 *     the extended format
 * @param exponent of a finite number, the power of two of the significand's highest bit
 * @param denormal whether it was a denormal in its format
 */
public record Real(Kind kind, boolean negative, long significand, int exponent, boolean denormal) {

    public enum Kind {
        ZERO,
        FINITE,
        INFINITY,
        QUIET_NAN,
        SIGNALING_NAN,
        /** An invalid encoding of the extended format: an unnormal, pseudo-NaN or pseudo-infinity. */
        UNSUPPORTED
    }

    /** "Real indefinite", the answer to invalid operations. */
    public static final Real INDEFINITE = new Real(Kind.QUIET_NAN, true, 0xc000_0000_0000_0000L, 0, false);

    private static final long INTEGER_BIT = 1L << 63;
    private static final long QUIET_BIT = 1L << 62;
    private static final int EXTENDED_MAX = 0x7fff;

    public static Real zero(boolean negative) {
        return new Real(Kind.ZERO, negative, 0, 0, false);
    }

    public static Real infinity(boolean negative) {
        return new Real(Kind.INFINITY, negative, INTEGER_BIT, 0, false);
    }

    /** Returns a finite number that isn't 0, from any significand. */
    public static Real finite(boolean negative, long significand, int exponentOfLowestBit, boolean denormal) {
        int zeros = Long.numberOfLeadingZeros(significand);
        return new Real(
                Kind.FINITE, negative, significand << zeros, exponentOfLowestBit + Long.SIZE - 1 - zeros, denormal);
    }

    /** Returns an integer. */
    public static Real of(long value) {
        return value == 0 ? zero(false) : finite(value < 0, Math.abs(value), 0, false);
    }

    /** Unpacks a number in single or double format. */
    public static Real of(FloatFormat format, long bits) {
        int fractionBits = format.precision - 1;
        int largest = 2 * format.maxExponent + 1;
        int exponent = (int) (bits >>> fractionBits) & largest;
        long fraction = bits & (1L << fractionBits) - 1;
        boolean negative = (bits >>> fractionBits & largest + 1) != 0;
        if (exponent == largest) {
            return special(negative, fraction << Long.SIZE - 1 - fractionBits);
        }
        if (exponent == 0) {
            return fraction == 0 ? zero(negative) : finite(negative, fraction, format.minExponent - fractionBits, true);
        }
        return finite(negative, fraction | 1L << fractionBits, exponent - format.maxExponent - fractionBits, false);
    }

    /** Unpacks a number in extended format. */
    public static Real ofExtended(int signExponent, long significand) {
        boolean negative = (signExponent & 0x8000) != 0;
        int exponent = signExponent & EXTENDED_MAX;
        if (exponent == 0) {
            return significand == 0
                    ? zero(negative)
                    : finite(negative, significand, FloatFormat.EXTENDED.minExponent - Long.SIZE + 1, true);
        }
        if (significand >= 0) {
            return new Real(Kind.UNSUPPORTED, negative, significand, exponent, false);
        }
        if (exponent == EXTENDED_MAX) {
            return special(negative, significand & ~INTEGER_BIT);
        }
        return new Real(Kind.FINITE, negative, significand, exponent - FloatFormat.EXTENDED.maxExponent, false);
    }

    private static Real special(boolean negative, long fraction) {
        if (fraction == 0) {
            return infinity(negative);
        }
        Kind kind = (fraction & QUIET_BIT) != 0 ? Kind.QUIET_NAN : Kind.SIGNALING_NAN;
        return new Real(kind, negative, fraction | INTEGER_BIT, 0, false);
    }

    public boolean isZero() {
        return kind == Kind.ZERO;
    }

    public boolean isFinite() {
        return kind == Kind.FINITE;
    }

    public boolean isInfinite() {
        return kind == Kind.INFINITY;
    }

    public boolean isNan() {
        return kind == Kind.QUIET_NAN || kind == Kind.SIGNALING_NAN;
    }

    /** Returns whether every operation with it is invalid: a signaling NaN, or no number at all. */
    public boolean isInvalid() {
        return kind == Kind.SIGNALING_NAN || kind == Kind.UNSUPPORTED;
    }

    /** Returns a NaN as a quiet one. */
    public Real quiet() {
        return new Real(Kind.QUIET_NAN, negative, significand | QUIET_BIT, 0, false);
    }

    public Real withSign(boolean isNegative) {
        return new Real(kind, isNegative, significand, exponent, denormal);
    }

    /** Returns it for an operation to which it is no exception that a number is denormal. */
    public Real withoutDenormal() {
        return new Real(kind, negative, significand, exponent, false);
    }

    public Real negate() {
        return withSign(!negative);
    }

    /** Packs into single or double format, which it has been rounded to; a NaN's payload is cut. */
    public long bits(FloatFormat format) {
        int fractionBits = format.precision - 1;
        long largest = 2L * format.maxExponent + 1;
        long sign = negative ? largest + 1 << fractionBits : 0;
        long mask = (1L << fractionBits) - 1;
        int unused = Long.SIZE - format.precision;
        return sign
                | switch (kind) {
                    case ZERO -> 0;
                    case FINITE ->
                        exponent < format.minExponent
                                ? significand >>> unused + format.minExponent - exponent
                                : (long) (exponent + format.maxExponent) << fractionBits
                                        | significand >>> unused & mask;
                    default -> largest << fractionBits | significand >>> unused & mask;
                };
    }

    /** Returns the sign and exponent of the extended format. */
    public int extendedSignExponent() {
        int sign = negative ? 0x8000 : 0;
        return sign
                | switch (kind) {
                    case ZERO -> 0;
                    case FINITE -> Math.max(0, exponent + FloatFormat.EXTENDED.maxExponent);
                    case UNSUPPORTED -> exponent;
                    default -> EXTENDED_MAX;
                };
    }

    /** Returns the significand of the extended format. */
    public long extendedSignificand() {
        if (kind != Kind.FINITE || exponent >= FloatFormat.EXTENDED.minExponent) {
            return significand;
        }
        return significand >>> FloatFormat.EXTENDED.minExponent - exponent;
    }
}
