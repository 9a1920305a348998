package dev.kvmguest.vmm.internal.emulator.isa.softfloat;

import java.math.BigInteger;

/** The angle of a point, as FPATAN has it. */
public final class Arctangent {

    /** Quotients are compared with multiples of this fraction of 1, whose arctangents are known. */
    private static final int STEPS = 16;

    private static final BigInteger[] KNOWN = known();

    /** Bits after the point of sums. */
    private static final int SUM_BITS = Series.FINE_BITS + Series.BITS;

    /** A quotient less than 2 to the power of this is its own arctangent, but for less than any rounding sees. */
    private static final int TINY = -64;

    private Arctangent() {}

    /** Returns the angle between the positive x axis and a point whose coordinates are finite and not 0. */
    public static Real angle(FloatUnit unit, Real y, Real x) {
        boolean steep = isLarger(y, x);
        Real small = steep ? x : y;
        Real large = steep ? y : x;
        int distance = large.exponent() - small.exponent();
        if (!steep && !x.negative() && distance > -TINY) {
            return tiny(unit, y, x);
        }
        BigInteger angle = distance > Series.FINE_BITS ? BigInteger.ZERO : ofQuotient(small, large, distance);
        if (steep != x.negative()) {
            angle = angle.negate();
        }
        angle = angle.add(turns(steep ? 1 : x.negative() ? 2 : 0));
        return Approximation.round(unit, y.negative() ? angle.negate() : angle, -SUM_BITS);
    }

    /** Returns so many quarters of pi. */
    public static Real quarters(FloatUnit unit, int count, boolean negative) {
        BigInteger angle = Series.PI.multiply(BigInteger.valueOf(count));
        return Approximation.round(unit, negative ? angle.negate() : angle, -Series.FINE_BITS - 2);
    }

    private static BigInteger turns(int quadrants) {
        return Series.PI.multiply(BigInteger.valueOf(quadrants)).shiftLeft(SUM_BITS - Series.FINE_BITS - 1);
    }

    private static boolean isLarger(Real a, Real b) {
        return a.exponent() != b.exponent()
                ? a.exponent() > b.exponent()
                : Long.compareUnsigned(a.significand(), b.significand()) > 0;
    }

    /** The arctangent is a little less than the quotient. */
    private static Real tiny(FloatUnit unit, Real y, Real x) {
        BigInteger quotient = FloatUnit.magnitude(y).shiftLeft(Series.FINE_BITS).divide(FloatUnit.magnitude(x));
        BigInteger less = quotient.shiftLeft(Series.BITS).subtract(BigInteger.ONE);
        int lowest = y.exponent() - x.exponent() - Series.FINE_BITS - Series.BITS;
        return Approximation.round(unit, y.negative() ? less.negate() : less, lowest);
    }

    /** Returns the arctangent of a quotient that is 1 at most. */
    private static BigInteger ofQuotient(Real small, Real large, int distance) {
        BigInteger above = FloatUnit.magnitude(small);
        BigInteger below = FloatUnit.magnitude(large).shiftLeft(distance);
        int step = above.multiply(BigInteger.valueOf(2 * STEPS))
                        .divide(below)
                        .add(BigInteger.ONE)
                        .intValue()
                / 2;
        // tan(a - b) = (tan a - tan b) / (1 + tan a tan b)
        BigInteger steps = BigInteger.valueOf(STEPS);
        BigInteger known = BigInteger.valueOf(step);
        BigInteger rest = above.multiply(steps)
                .subtract(below.multiply(known))
                .shiftLeft(Series.FINE_BITS)
                .divide(below.multiply(steps).add(above.multiply(known)));
        return ofFraction(rest).add(KNOWN[step]);
    }

    /** Returns the arctangent of a number in fine bits. */
    private static BigInteger ofFraction(BigInteger value) {
        BigInteger square = Series.square(value, Series.FINE_BITS);
        return value.multiply(Series.tangents(square.negate()));
    }

    /** Each follows from the one before: the tangent of their difference is 16 / (256 + n (n - 1)). */
    private static BigInteger[] known() {
        BigInteger[] known = new BigInteger[STEPS + 1];
        known[0] = BigInteger.ZERO;
        for (int n = 1; n <= STEPS; n++) {
            BigInteger below = BigInteger.valueOf(STEPS * STEPS + n * (n - 1));
            BigInteger difference =
                    BigInteger.valueOf(STEPS).shiftLeft(Series.FINE_BITS).divide(below);
            known[n] = known[n - 1].add(ofFraction(difference));
        }
        return known;
    }
}
