package dev.kvmguest.vmm.internal.emulator.isa.softfloat;

import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import java.math.BigInteger;

/** Powers of 2 and logarithms to the base 2, as F2XM1, FYL2X and FYL2XP1 have them. */
public final class Logarithm {

    /** 2 / ln 2, in fine bits. */
    private static final BigInteger TWO_LOG_E =
            Series.FINE_ONE.shiftLeft(Series.FINE_BITS + 1).divide(Series.LN_2);
    /** The square root of 2 as a significand. */
    private static final long ROOT_OF_2 = 0xb504_f333_f9de_6484L;
    /** Bits after the point of logarithms. */
    private static final int SUM_BITS = 2 * Series.FINE_BITS + Series.BITS;

    /** What is added to 1 and smaller than 2 to the power of this: its logarithm is proportional to it. */
    private static final int TINY = -130;
    /** What is larger than 2 to the power of this has the same logarithm as with 1 added. */
    private static final int HUGE = 130;

    private Logarithm() {}

    /** Returns 2^x - 1 for a finite number between -1 and 1, neither included, and not 0. */
    public static Real powerLessOne(FloatUnit unit, Real x) {
        BigInteger product = FloatUnit.magnitude(x).multiply(Series.LN_2);
        int bits = Long.SIZE - 1 - x.exponent() + Series.FINE_BITS;
        BigInteger argument = Series.rescale(product, bits, Series.BITS);
        BigInteger quotient = Series.exponential(x.negative() ? argument.negate() : argument);
        BigInteger result = product.multiply(quotient);
        return Approximation.round(unit, x.negative() ? result.negate() : result, -bits - Series.BITS);
    }

    /** Returns y * log2(x) for finite numbers that aren't 0, of which x is positive and not 1. */
    public static Real log(FloatUnit unit, Real y, Real x) {
        boolean upper = Long.compareUnsigned(x.significand(), ROOT_OF_2) > 0;
        int exponent = x.exponent() + (upper ? 1 : 0);
        BigInteger one = BigInteger.ONE.shiftLeft(upper ? Long.SIZE : Long.SIZE - 1);
        BigInteger integer = BigInteger.valueOf(exponent).shiftLeft(SUM_BITS);
        BigInteger magnitude = FloatUnit.magnitude(x);
        if (magnitude.equals(one)) {
            return product(unit, y, BigInteger.valueOf(exponent), 0, true);
        }
        BigInteger fraction = ofQuotient(magnitude.subtract(one), magnitude.add(one), 0);
        return product(unit, y, integer.add(fraction), SUM_BITS, false);
    }

    /** Returns y * log2(x + 1) for finite numbers that aren't 0, of which x is more than -1. */
    public static Real logOfOnePlus(FloatUnit unit, Real y, Real x) {
        BigInteger magnitude = FloatUnit.magnitude(x);
        int bits = Long.SIZE - 1 - x.exponent();
        if (x.exponent() < TINY) {
            BigInteger log = magnitude.multiply(TWO_LOG_E);
            return product(unit, y, x.negative() ? log.negate() : log, bits + Series.FINE_BITS + 1, false);
        }
        if (x.exponent() > HUGE) {
            return log(unit, y, x);
        }
        BigInteger signed = x.negative() ? magnitude.negate() : magnitude;
        BigInteger one = BigInteger.ONE.shiftLeft(Math.max(0, bits));
        BigInteger sum = one.add(Series.rescale(signed, 0, Math.max(0, -bits)));
        if (x.exponent() < -1) {
            BigInteger log = ofQuotient(signed, sum.add(one), -x.exponent());
            return product(unit, y, log, SUM_BITS - x.exponent(), false);
        }
        int exponent = sum.bitLength() - 1 - Math.max(0, bits);
        BigInteger power = exponent >= 0 ? one.shiftLeft(exponent) : one.shiftRight(-exponent);
        if (sum.equals(power)) {
            return product(unit, y, BigInteger.valueOf(exponent), 0, true);
        }
        BigInteger fraction = ofQuotient(sum.subtract(power), sum.add(power), 0);
        BigInteger integer = BigInteger.valueOf(exponent).shiftLeft(SUM_BITS);
        return product(unit, y, integer.add(fraction), SUM_BITS, false);
    }

    /**
     * Returns the logarithm of (1 + q) / (1 - q), for a quotient q whose magnitude is 1/3 at most.
     *
     * @param zeros how many more bits of it than of others are wanted after the point, since the first are 0
     */
    private static BigInteger ofQuotient(BigInteger above, BigInteger below, int zeros) {
        int bits = Series.FINE_BITS + zeros;
        BigInteger quotient = above.shiftLeft(bits).divide(below);
        return quotient.multiply(Series.tangents(Series.square(quotient, bits))).multiply(TWO_LOG_E);
    }

    private static Real product(FloatUnit unit, Real y, BigInteger log, int bits, boolean exact) {
        BigInteger product = FloatUnit.magnitude(y).multiply(log);
        BigInteger value = y.negative() ? product.negate() : product;
        int lowest = y.exponent() - Long.SIZE + 1 - bits;
        if (exact) {
            // Processors call even such a product inexact.
            Real result = unit.round(value.signum() < 0, value.abs(), lowest);
            unit.raise(FpuState.PRECISION | (unit.isTiny() ? FpuState.UNDERFLOW : 0));
            return result;
        }
        return Approximation.round(unit, value, lowest);
    }
}
