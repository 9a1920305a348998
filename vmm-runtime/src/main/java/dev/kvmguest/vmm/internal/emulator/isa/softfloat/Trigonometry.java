package dev.kvmguest.vmm.internal.emulator.isa.softfloat;

import java.math.BigInteger;

/**
 * Sine, cosine and tangent of a finite number as x87 has them (Intel SDM volume 1, 8.3.8): correct for the number less
 * a multiple of pi/2, for which pi counts 66 bits.
 */
public final class Trigonometry {

    /** From 2 to this power on, numbers aren't reduced. */
    public static final int LIMIT = 63;

    /** Half of the pi that x87 reduces by, and the bits of it after the point. */
    private static final BigInteger HALF_PI = new BigInteger("c90fdaa22168c234c", 16);

    private static final int HALF_PI_BITS = 67;

    /** What is smaller than 2 to the power of this differs from its sine and tangent by less than any rounding sees. */
    private static final int TINY = -50;

    private final boolean negative;
    private final int quadrant;
    /** What is left after the reduction, between -pi/4 and pi/4, and the bits of it after the point. */
    private final BigInteger rest;

    private final int bits;
    private final boolean tiny;

    /** Reduces a number: finite, not 0, and less than 2^{@link #LIMIT}. */
    public Trigonometry(Real x) {
        negative = x.negative();
        BigInteger magnitude = FloatUnit.magnitude(x);
        if (x.exponent() < -1) {
            quadrant = 0;
            rest = magnitude;
            bits = Long.SIZE - 1 - x.exponent();
        } else {
            BigInteger[] parts = magnitude
                    .shiftLeft(HALF_PI_BITS - Long.SIZE + 1 + x.exponent())
                    .divideAndRemainder(HALF_PI);
            boolean next = parts[1].shiftLeft(1).compareTo(HALF_PI) > 0;
            quadrant = parts[0].intValue() + (next ? 1 : 0);
            rest = next ? parts[1].subtract(HALF_PI) : parts[1];
            bits = HALF_PI_BITS;
        }
        tiny = rest.bitLength() - 1 - bits < TINY;
    }

    /** Returns the sine of what is left, divided by that: of what is tiny, a little less than 1. */
    private BigInteger sineQuotient() {
        return tiny ? Series.ONE.subtract(BigInteger.ONE) : Series.circular(minusSquare(), 2);
    }

    /** Returns the cosine of what is left: of what is tiny, a little less than 1. */
    private BigInteger cosineOfRest() {
        return tiny ? Series.ONE.subtract(BigInteger.ONE) : Series.circular(minusSquare(), 1);
    }

    private BigInteger minusSquare() {
        return Series.square(rest, bits).negate();
    }

    /** Returns the sine. */
    public Real sine(FloatUnit unit) {
        return circular(unit, quadrant, negative);
    }

    /** Returns the cosine. */
    public Real cosine(FloatUnit unit) {
        return circular(unit, quadrant + 1, false);
    }

    private Real circular(FloatUnit unit, int turns, boolean negate) {
        BigInteger value = (turns & 1) == 0 ? rest.multiply(sineQuotient()) : cosineOfRest();
        int scale = (turns & 1) == 0 ? bits + Series.BITS : Series.BITS;
        boolean opposite = (turns & 2) != 0;
        return Approximation.round(unit, opposite != negate ? value.negate() : value, -scale);
    }

    /** Returns the tangent. */
    public Real tangent(FloatUnit unit) {
        BigInteger signed = negative ? rest.negate() : rest;
        BigInteger above = signed.multiply(tiny ? Series.ONE.add(BigInteger.ONE) : sineQuotient());
        BigInteger below = tiny ? Series.ONE : cosineOfRest();
        int scale = bits;
        if ((quadrant & 1) != 0) {
            BigInteger swapped = above.negate();
            above = below;
            below = swapped;
            scale = -bits;
        }
        int shift = Series.FINE_BITS + Math.max(0, below.bitLength() - above.bitLength());
        return Approximation.round(unit, above.shiftLeft(shift).divide(below), -scale - shift);
    }
}
