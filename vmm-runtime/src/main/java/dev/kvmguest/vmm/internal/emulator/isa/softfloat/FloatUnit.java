package dev.kvmguest.vmm.internal.emulator.isa.softfloat;

import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import java.math.BigInteger;
import java.nio.ByteBuffer;

/**
 * One floating-point operation: works out the exact result and rounds it once (IEEE 754; Intel SDM volume 1, 4.8.4 and
 * 4.9). NaNs are the caller's affair: x87 and SSE differ in them.
 */
public final class FloatUnit {

    // Rounding modes, as in the control word and MXCSR.
    static final int NEAREST = 0;
    public static final int DOWN = 1;
    public static final int UP = 2;
    public static final int TRUNCATE = 3;

    /** Two operands farther apart than this affect each other only by being there. */
    private static final int FAR_APART = 200;
    /** Bits of a quotient or root before it is rounded: more than any significand has. */
    private static final int WORKING_BITS = 70;

    /** By how much x87 moves the exponent of a result whose overflow or underflow isn't masked: 3 * 2^13. */
    private static final int ADJUSTMENT = 24576;

    /** Two to the power of two to the power of this is far beyond every format. */
    private static final int LARGEST_POWER = 16;

    private final FloatFormat format;
    private final int precision;
    private final int mode;
    private int adjusted;
    private int flags;
    private boolean roundedUp;
    private boolean tiny;

    /**
     * Creates one.
     *
     * @param format what the result must fit
     * @param precision bits that results are rounded to, if fewer than the format's (x87 precision control)
     * @param mode {@link #NEAREST} to {@link #TRUNCATE}
     */
    public FloatUnit(FloatFormat format, int precision, int mode) {
        this.format = format;
        this.precision = Math.min(precision, format.precision);
        this.mode = mode;
    }

    /**
     * Has results beyond the format keep their significand and get an exponent that fits, as x87 does with those for a
     * register (Intel SDM volume 1, 8.5.4 and 8.5.5).
     *
     * @param exceptions those that aren't masked; overflow and underflow count
     */
    public FloatUnit adjusting(int exceptions) {
        adjusted = exceptions;
        return this;
    }

    /** Returns what has been raised: the exception bits of {@link FpuState}. */
    public int flags() {
        return flags;
    }

    /** Returns whether the last result is larger in magnitude than the exact one. */
    public boolean roundedUp() {
        return roundedUp;
    }

    /** Returns whether the last result is smaller than a normal number, exact or not. */
    public boolean isTiny() {
        return tiny;
    }

    public void raise(int exceptions) {
        flags |= exceptions;
    }

    public Real add(Real a, Real b) {
        if (a.isInfinite() || b.isInfinite()) {
            if (a.isInfinite() && b.isInfinite() && a.negative() != b.negative()) {
                return invalid();
            }
            noteDenormals(a, b);
            return a.isInfinite() ? a : b;
        }
        noteDenormals(a, b);
        if (a.isZero() && b.isZero()) {
            return a.negative() == b.negative() ? a : Real.zero(mode == DOWN);
        }
        if (a.isZero() || b.isZero()) {
            return round(a.isZero() ? b : a);
        }
        Real large = a.exponent() >= b.exponent() ? a : b;
        Real small = a.exponent() >= b.exponent() ? b : a;
        int distance = large.exponent() - small.exponent();
        BigInteger low = distance > FAR_APART ? BigInteger.ONE : magnitude(small);
        int shift = Math.min(distance, FAR_APART);
        BigInteger sum = signed(large, magnitude(large).shiftLeft(shift)).add(signed(small, low));
        if (sum.signum() == 0) {
            return Real.zero(mode == DOWN);
        }
        return round(sum.signum() < 0, sum.abs(), large.exponent() - Long.SIZE + 1 - shift);
    }

    public Real subtract(Real a, Real b) {
        return add(a, b.negate());
    }

    public Real multiply(Real a, Real b) {
        boolean negative = a.negative() != b.negative();
        if (a.isInfinite() && b.isZero() || a.isZero() && b.isInfinite()) {
            return invalid();
        }
        noteDenormals(a, b);
        if (a.isInfinite() || b.isInfinite()) {
            return Real.infinity(negative);
        }
        if (a.isZero() || b.isZero()) {
            return Real.zero(negative);
        }
        int exponent = a.exponent() + b.exponent() - 2 * (Long.SIZE - 1);
        return round(negative, magnitude(a).multiply(magnitude(b)), exponent);
    }

    public Real divide(Real a, Real b) {
        boolean negative = a.negative() != b.negative();
        if (a.isInfinite() && b.isInfinite() || a.isZero() && b.isZero()) {
            return invalid();
        }
        if (b.isZero() && a.isFinite()) {
            flags |= FpuState.ZERO_DIVIDE;
            return Real.infinity(negative);
        }
        noteDenormals(a, b);
        if (a.isInfinite()) {
            return Real.infinity(negative);
        }
        if (a.isZero() || b.isInfinite()) {
            return Real.zero(negative);
        }
        BigInteger[] parts = magnitude(a).shiftLeft(WORKING_BITS).divideAndRemainder(magnitude(b));
        return round(negative, withRest(parts), a.exponent() - b.exponent() - WORKING_BITS - 1);
    }

    public Real squareRoot(Real a) {
        if (a.isZero()) {
            return a;
        }
        if (a.negative()) {
            return invalid();
        }
        noteDenormals(a, a);
        if (a.isInfinite()) {
            return a;
        }
        // The exponent of the lowest bit has to be even for it to be halved.
        int lowest = a.exponent() - Long.SIZE + 1;
        int shift = 2 * WORKING_BITS + (lowest & 1);
        BigInteger[] parts = magnitude(a).shiftLeft(shift).sqrtAndRemainder();
        return round(false, withRest(parts), (lowest - shift) / 2 - 1);
    }

    /** Multiplies by a power of two whose exponent is another number, cut to an integer (FSCALE). */
    public Real scale(Real a, Real power) {
        if (power.isInfinite() && (power.negative() ? a.isInfinite() : a.isZero())) {
            return invalid();
        }
        noteDenormals(a, power);
        if (!a.isFinite()) {
            return a;
        }
        if (power.isInfinite()) {
            return power.negative() ? Real.zero(a.negative()) : Real.infinity(a.negative());
        }
        int distance = power.negative() ? -integerPart(power) : integerPart(power);
        return round(a.negative(), magnitude(a), a.exponent() - Long.SIZE + 1 + distance);
    }

    /**
     * Returns a magnitude without its fraction; a large number instead of one that takes any other out of its format.
     */
    private static int integerPart(Real a) {
        if (a.exponent() < 0) {
            return 0;
        }
        return a.exponent() > LARGEST_POWER
                ? 1 << LARGEST_POWER
                : (int) (a.significand() >>> Long.SIZE - 1 - a.exponent());
    }

    /** Rounds to a number without fraction. */
    public Real roundToInteger(Real a) {
        roundedUp = false;
        if (!a.isFinite() || a.exponent() >= Long.SIZE - 1) {
            return a;
        }
        noteDenormals(a, a);
        BigInteger rounded = cut(a.negative(), magnitude(a), Long.SIZE - 1 - a.exponent());
        return rounded.signum() == 0
                ? Real.zero(a.negative())
                : Real.finite(a.negative(), rounded.longValue(), 0, false);
    }

    /**
     * Converts to a signed integer.
     *
     * @param bits 16, 32 or 64
     * @return the integer; if it doesn't fit, the most negative one, and the operation is invalid
     */
    public long toInteger(Real a, int bits) {
        long indefinite = -1L << bits - 1;
        if (a.isZero()) {
            return 0;
        }
        if (!a.isFinite() || a.exponent() >= Long.SIZE) {
            flags |= FpuState.INVALID;
            return indefinite;
        }
        int before = flags;
        BigInteger value = signed(a, cut(a.negative(), magnitude(a), Long.SIZE - 1 - a.exponent()));
        if (value.bitLength() >= bits) {
            flags = before | FpuState.INVALID;
            roundedUp = false;
            return indefinite;
        }
        return value.longValue();
    }

    /** Compares two numbers, neither of them NaN: negative, 0 or positive. */
    public int compare(Real a, Real b) {
        noteDenormals(a, b);
        if (a.isZero() && b.isZero()) {
            return 0;
        }
        if (a.negative() != b.negative() || a.isZero() || b.isZero()) {
            int signOfA = a.isZero() ? 0 : a.negative() ? -1 : 1;
            int signOfB = b.isZero() ? 0 : b.negative() ? -1 : 1;
            return Integer.compare(signOfA, signOfB);
        }
        return a.negative() ? compareMagnitudes(b, a) : compareMagnitudes(a, b);
    }

    private static int compareMagnitudes(Real a, Real b) {
        if (a.isInfinite() || b.isInfinite()) {
            return Boolean.compare(a.isInfinite(), b.isInfinite());
        }
        return a.exponent() != b.exponent()
                ? Integer.compare(a.exponent(), b.exponent())
                : Long.compareUnsigned(a.significand(), b.significand());
    }

    /** Rounds a number that is no NaN to the format. */
    public Real round(Real a) {
        return a.isFinite() ? round(a.negative(), magnitude(a), a.exponent() - Long.SIZE + 1) : a;
    }

    /** Rounds a number that isn't 0: a magnitude, and the exponent of its lowest bit. */
    public Real round(boolean negative, BigInteger magnitude, int lowest) {
        int leading = lowest + magnitude.bitLength() - 1;
        int unbounded = leading - precision + 1;
        int smallest = format.minExponent - precision + 1;
        tiny = leading < format.minExponent && !reachesNormal(negative, magnitude, lowest, leading);
        boolean adjusting = tiny && (adjusted & FpuState.UNDERFLOW) != 0;
        int target = adjusting ? unbounded : Math.max(unbounded, smallest);
        int before = flags;
        flags &= ~FpuState.PRECISION;
        BigInteger rounded = cut(negative, magnitude, target - lowest);
        boolean inexact = (flags & FpuState.PRECISION) != 0;
        flags |= before;
        if (tiny && inexact || adjusting) {
            flags |= FpuState.UNDERFLOW;
        }
        if (rounded.signum() == 0) {
            return Real.zero(negative);
        }
        int exponent = target + rounded.bitLength() - 1;
        int adjustment = adjusting ? ADJUSTMENT : 0;
        if (exponent > format.maxExponent) {
            if ((adjusted & FpuState.OVERFLOW) == 0 || exponent - ADJUSTMENT > format.maxExponent) {
                return overflow(negative);
            }
            flags |= FpuState.OVERFLOW;
            adjustment = -ADJUSTMENT;
        } else if (exponent + adjustment < format.minExponent && adjusting) {
            return vanished(negative);
        }
        // After a carry there is one bit more than the precision, and that is 0.
        int excess = Math.max(0, rounded.bitLength() - Long.SIZE);
        return Real.finite(negative, rounded.shiftRight(excess).longValue(), target + excess + adjustment, false);
    }

    /** What FSCALE gives if no adjustment brings it back into the format. */
    private Real vanished(boolean negative) {
        flags |= FpuState.PRECISION;
        roundedUp = false;
        return Real.zero(negative);
    }

    /** Returns whether a number below the smallest normal one would round to it, had the exponent no bound. */
    private boolean reachesNormal(boolean negative, BigInteger magnitude, int lowest, int leading) {
        if (leading != format.minExponent - 1) {
            return false;
        }
        int before = flags;
        BigInteger rounded = cut(negative, magnitude, leading - precision + 1 - lowest);
        flags = before;
        return rounded.bitLength() > precision;
    }

    private Real overflow(boolean negative) {
        flags |= FpuState.OVERFLOW | FpuState.PRECISION;
        boolean beyondAdjustment = (adjusted & FpuState.OVERFLOW) != 0;
        roundedUp = beyondAdjustment || mode == NEAREST || mode == (negative ? DOWN : UP);
        if (roundedUp) {
            return Real.infinity(negative);
        }
        return new Real(Real.Kind.FINITE, negative, -1L << Long.SIZE - precision, format.maxExponent, false);
    }

    /** Drops the lowest bits, with rounding; a negative number of bits adds zeros. */
    private BigInteger cut(boolean negative, BigInteger magnitude, int bits) {
        roundedUp = false;
        if (bits <= 0) {
            return magnitude.shiftLeft(-bits);
        }
        BigInteger kept = magnitude.shiftRight(bits);
        int lowestSet = magnitude.getLowestSetBit();
        if (lowestSet >= bits) {
            return kept;
        }
        flags |= FpuState.PRECISION;
        boolean half = magnitude.testBit(bits - 1);
        boolean aboveHalf = half && lowestSet < bits - 1;
        roundedUp = switch (mode) {
            case NEAREST -> aboveHalf || half && kept.testBit(0);
            case DOWN -> negative;
            case UP -> !negative;
            default -> false;
        };
        return roundedUp ? kept.add(BigInteger.ONE) : kept;
    }

    private Real invalid() {
        flags |= FpuState.INVALID;
        return Real.INDEFINITE;
    }

    private void noteDenormals(Real a, Real b) {
        if (a.denormal() || b.denormal()) {
            flags |= FpuState.DENORMAL;
        }
    }

    /** Appends a bit that is set if there is a rest: enough to round correctly. */
    private static BigInteger withRest(BigInteger[] parts) {
        BigInteger result = parts[0].shiftLeft(1);
        return parts[1].signum() == 0 ? result : result.setBit(0);
    }

    /** Returns a finite number's significand; its lowest bit stands for the exponent less 63. */
    public static BigInteger magnitude(Real a) {
        return new BigInteger(
                1, ByteBuffer.allocate(Long.BYTES).putLong(a.significand()).array());
    }

    private static BigInteger signed(Real a, BigInteger magnitude) {
        return a.negative() ? magnitude.negate() : magnitude;
    }
}
