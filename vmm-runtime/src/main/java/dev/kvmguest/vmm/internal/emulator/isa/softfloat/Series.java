package dev.kvmguest.vmm.internal.emulator.isa.softfloat;

import java.math.BigInteger;

/**
 * Power series in fixed point, and constants: what the transcendental functions are computed from. Their results are
 * good to some 120 bits, so that one rounding to 64 bits all but always gives the nearest number.
 */
final class Series {

    /** Bits after the point of what series are summed up in. */
    static final int BITS = 128;
    /** Bits after the point of constants, and of arguments that may be as small as 2^-64. */
    static final int FINE_BITS = 192;

    static final BigInteger ONE = BigInteger.ONE.shiftLeft(BITS);
    static final BigInteger FINE_ONE = BigInteger.ONE.shiftLeft(FINE_BITS);

    /** The natural logarithm of 2, in fine bits: twice the area tangent of 1/3. */
    static final BigInteger LN_2 = inverse(3, 1).shiftLeft(1);

    /** Pi in fine bits, by Machin's formula. */
    static final BigInteger PI =
            inverse(5, -1).shiftLeft(2).subtract(inverse(239, -1)).shiftLeft(2);

    private Series() {}

    /**
     * Sums up 1 + z/3 + z^2/5 + ...: the area tangent over its argument, or with a negative z the arctangent.
     *
     * @param z the argument's square, less than 1
     */
    static BigInteger tangents(BigInteger z) {
        BigInteger sum = ONE;
        BigInteger power = z;
        for (int n = 3; power.signum() != 0; n += 2) {
            sum = sum.add(power.divide(BigInteger.valueOf(n)));
            power = multiply(power, z);
        }
        return sum;
    }

    /**
     * Sums up the terms each of which is the one before by z, divided by the next two numbers: with z = -x^2, sin x / x
     * (from 2 on) and cos x (from 1 on).
     */
    static BigInteger circular(BigInteger z, int from) {
        BigInteger sum = ONE;
        BigInteger term = ONE;
        for (long n = from; term.signum() != 0; n += 2) {
            term = multiply(term, z).divide(BigInteger.valueOf(n * (n + 1)));
            sum = sum.add(term);
        }
        return sum;
    }

    /** Sums up 1 + x/2 + x^2/6 + ...: (e^x - 1) / x. */
    static BigInteger exponential(BigInteger x) {
        BigInteger sum = ONE;
        BigInteger term = ONE;
        for (long n = 2; term.signum() != 0; n++) {
            term = multiply(term, x).divide(BigInteger.valueOf(n));
            sum = sum.add(term);
        }
        return sum;
    }

    /** Multiplies; the product is cut towards 0, so that the terms of a series come to their end. */
    private static BigInteger multiply(BigInteger a, BigInteger b) {
        BigInteger product = a.multiply(b);
        return product.signum() < 0 ? product.negate().shiftRight(BITS).negate() : product.shiftRight(BITS);
    }

    /** Returns a number with another count of bits after the point. */
    static BigInteger rescale(BigInteger value, int from, int to) {
        return from >= to ? value.shiftRight(from - to) : value.shiftLeft(to - from);
    }

    /** Returns the square of a number with so many bits after the point. */
    static BigInteger square(BigInteger value, int bits) {
        return rescale(value.multiply(value), 2 * bits, BITS);
    }

    /** Returns the area tangent (sign 1) or arctangent (sign -1) of 1/n, in fine bits. */
    private static BigInteger inverse(long n, int sign) {
        BigInteger guarded = BigInteger.ONE.shiftLeft(FINE_BITS + Long.SIZE);
        BigInteger square = BigInteger.valueOf(sign * n * n);
        BigInteger sum = BigInteger.ZERO;
        BigInteger power = guarded.divide(BigInteger.valueOf(n));
        for (long k = 1; power.signum() != 0; k += 2) {
            sum = sum.add(power.divide(BigInteger.valueOf(k)));
            power = power.divide(square);
        }
        return sum.shiftRight(Long.SIZE);
    }
}
