package dev.kvmguest.vmm.internal.emulator.isa.simd;

import java.util.function.LongBinaryOperator;

/** 64 bits seen as lanes of 8, 16 or 32 bits: what MMX registers and the halves of XMM registers are computed by. */
final class Lanes {

    private Lanes() {}

    /** Applies an operation to lanes, each sign-extended; results are cut to the lane. */
    static LongBinaryOperator signed(int bits, LongBinaryOperator operation) {
        int unused = Long.SIZE - bits;
        return (a, b) -> {
            long result = 0;
            for (int shift = 0; shift < Long.SIZE; shift += bits) {
                int up = unused - shift;
                long lane = operation.applyAsLong(a << up >> unused, b << up >> unused);
                result |= lane << unused >>> up;
            }
            return result;
        };
    }

    /** Applies an operation to lanes, each zero-extended; results are cut to the lane. */
    static LongBinaryOperator unsigned(int bits, LongBinaryOperator operation) {
        long mask = (1L << bits) - 1;
        return (a, b) -> {
            long result = 0;
            for (int shift = 0; shift < Long.SIZE; shift += bits) {
                result |= (operation.applyAsLong(a >>> shift & mask, b >>> shift & mask) & mask) << shift;
            }
            return result;
        };
    }

    /** Returns the nearest value that a signed lane can hold. */
    static long saturate(long value, int bits) {
        long largest = (1L << bits - 1) - 1;
        return Math.max(-largest - 1, Math.min(largest, value));
    }

    /** Returns the nearest value that an unsigned lane can hold. */
    static long saturateUnsigned(long value, int bits) {
        return Math.max(0, Math.min((1L << bits) - 1, value));
    }

    /** Interleaves the lanes of two low halves: the first's lane is the lower one. */
    static long interleaveLow(long a, long b, int bits) {
        long mask = (1L << bits) - 1;
        long result = 0;
        for (int shift = 0; shift < 32; shift += bits) {
            result |= (a >>> shift & mask) << 2 * shift | (b >>> shift & mask) << 2 * shift + bits;
        }
        return result;
    }

    /** Interleaves the lanes of two high halves. */
    static long interleaveHigh(long a, long b, int bits) {
        return interleaveLow(a >>> 32, b >>> 32, bits);
    }

    /** Halves signed lanes of {@code bits} bits with saturation; the results are the low 32 bits. */
    static long pack(long value, int bits, boolean toUnsigned) {
        int half = bits / 2;
        long result = 0;
        for (int lane = 0; lane < Long.SIZE / bits; lane++) {
            long wide = value << Long.SIZE - bits * (lane + 1) >> Long.SIZE - bits;
            long narrow = toUnsigned ? saturateUnsigned(wide, half) : saturate(wide, half);
            result |= (narrow & (1L << half) - 1) << half * lane;
        }
        return result;
    }

    /** Applies an operation to neighbouring signed lanes; the results are the low 32 bits. */
    static long neighbours(long value, int bits, LongBinaryOperator operation) {
        int unused = Long.SIZE - bits;
        long mask = (1L << bits) - 1;
        long result = 0;
        for (int pair = 0; pair < Long.SIZE / (2 * bits); pair++) {
            int start = 2 * bits * pair;
            long lower = value << unused - start >> unused;
            long upper = value << unused - bits - start >> unused;
            result |= (operation.applyAsLong(lower, upper) & mask) << bits * pair;
        }
        return result;
    }

    /** Adds the products of neighbouring bytes, unsigned ones and signed ones, with saturation (PMADDUBSW). */
    static long multiplyAddBytes(long unsigned, long signed) {
        long result = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 16) {
            long lower = (unsigned >>> shift & 0xff) * (byte) (signed >>> shift);
            long upper = (unsigned >>> shift + 8 & 0xff) * (byte) (signed >>> shift + 8);
            result |= (saturate(lower + upper, 16) & 0xffff) << shift;
        }
        return result;
    }

    /** Adds the products of neighbouring signed words (PMADDWD). */
    static long multiplyAdd(long a, long b) {
        long low = (short) a * (long) (short) b + (short) (a >> 16) * (long) (short) (b >> 16);
        long high = (short) (a >> 32) * (long) (short) (b >> 32) + (short) (a >> 48) * (long) (short) (b >> 48);
        return low & 0xffff_ffffL | high << 32;
    }

    /** Adds up how far the unsigned bytes are apart (PSADBW). */
    static long sumOfDifferences(long a, long b) {
        long sum = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 8) {
            sum += Math.abs((a >>> shift & 0xff) - (b >>> shift & 0xff));
        }
        return sum;
    }

    /** Returns one of the eight words of 128 bits. */
    static long word(long low, long high, int number) {
        return (number < 4 ? low : high) >>> 16 * (number & 3) & 0xffff;
    }

    /** Returns one of the sixteen bytes of 128 bits, unsigned. */
    static int byteOf(long low, long high, int number) {
        return (int) ((number < 8 ? low : high) >>> 8 * (number & 7)) & 0xff;
    }

    /** Picks words by the pairs of bits in an immediate. */
    static long shuffleWords(long value, int order) {
        long result = 0;
        for (int n = 0; n < 4; n++) {
            result |= (value >>> 16 * (order >> 2 * n & 3) & 0xffff) << 16 * n;
        }
        return result;
    }

    /** Returns the highest bits of the bytes. */
    static int byteSigns(long value) {
        int signs = 0;
        for (int n = 0; n < 8; n++) {
            signs |= (int) (value >>> 8 * n + 7 & 1) << n;
        }
        return signs;
    }
}
