package dev.kvmguest.vmm.internal.emulator.isa.alu;

import java.util.Optional;

/**
 * A number of 128 bits divided by one of 64 bits, towards zero.
 *
 * @param quotient 64 bits
 * @param remainder 64 bits, with the dividend's sign
 */
record WideDivision(long quotient, long remainder) {

    /**
     * Divides numbers without a sign.
     *
     * @param high the dividend's upper half, less than the divisor
     * @param low the dividend's lower half
     * @param divisor not 0
     */
    static WideDivision of(long high, long low, long divisor) {
        if (high == 0) {
            return new WideDivision(Long.divideUnsigned(low, divisor), Long.remainderUnsigned(low, divisor));
        }
        // Bit by bit, as on paper: what has been brought down is always less than twice the divisor.
        long remainder = high;
        long quotient = 0;
        for (int bit = Long.SIZE - 1; bit >= 0; bit--) {
            boolean overflows = remainder < 0;
            remainder = remainder << 1 | low >>> bit & 1;
            quotient <<= 1;
            if (overflows || Long.compareUnsigned(remainder, divisor) >= 0) {
                remainder -= divisor;
                quotient |= 1;
            }
        }
        return new WideDivision(quotient, remainder);
    }

    /**
     * Divides signed numbers.
     *
     * @param high the dividend's upper half
     * @param low the dividend's lower half
     * @param divisor not 0
     * @return empty if the quotient has more than 64 bits
     */
    static Optional<WideDivision> ofSigned(long high, long low, long divisor) {
        boolean negative = high < 0;
        long absoluteLow = negative ? -low : low;
        long absoluteHigh = negative ? ~high + (low == 0 ? 1 : 0) : high;
        // That of the least number is itself, which is right without a sign.
        long absoluteDivisor = Math.abs(divisor);
        if (Long.compareUnsigned(absoluteHigh, absoluteDivisor) >= 0) {
            return Optional.empty();
        }
        WideDivision absolute = of(absoluteHigh, absoluteLow, absoluteDivisor);
        boolean negativeQuotient = negative != divisor < 0;
        long quotient = negativeQuotient ? -absolute.quotient : absolute.quotient;
        boolean fits = quotient == 0 || quotient < 0 == negativeQuotient;
        return fits
                ? Optional.of(new WideDivision(quotient, negative ? -absolute.remainder : absolute.remainder))
                : Optional.empty();
    }
}
