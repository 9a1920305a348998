package dev.kvmguest.vmm.text;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The notations for addresses, sizes and times that annotations, POMs, manifests and command lines share. */
public final class Notation {

    private static final Pattern NUMBER = Pattern.compile("0x([0-9a-f]+)|([0-9]+)", Pattern.CASE_INSENSITIVE);
    private static final Pattern SIZE = Pattern.compile("(\\d+)\\s*([KMG]?)(?:i?B)?", Pattern.CASE_INSENSITIVE);
    private static final Pattern DURATION = Pattern.compile("(\\d+)\\s*(ms|s|m|h)", Pattern.CASE_INSENSITIVE);

    private Notation() {}

    /**
     * Parses an unsigned 32-bit address or number: {@code 0x7c00} or {@code 31744}; underscores may group digits.
     *
     * @param what what the number is for, as the error names it
     * @throws IllegalArgumentException if it is not a number or doesn't fit in 32 bits
     */
    public static long parseAddress(String what, String text) {
        BigInteger value = parseNumber(what, text);
        if (value.bitLength() > 32) {
            throw new IllegalArgumentException(what + " \"" + text + "\" does not fit in 32 bits");
        }
        return value.longValue();
    }

    /**
     * Parses a linear address of 64 bits, as {@link #parseAddress} parses one of 32.
     *
     * @return its bits, so that the upper half of linear memory is negative
     * @throws IllegalArgumentException if it is not a number, or does not fit
     */
    public static long parseLinearAddress(String what, String text) {
        BigInteger value = parseNumber(what, text);
        if (value.bitLength() > Long.SIZE) {
            throw new IllegalArgumentException(what + " \"" + text + "\" does not fit in 64 bits");
        }
        return value.longValue();
    }

    private static BigInteger parseNumber(String what, String text) {
        Matcher matcher = NUMBER.matcher(text.trim().replace("_", ""));
        if (!matcher.matches()) {
            throw new IllegalArgumentException(what + " \"" + text + "\" is not a number; write it as 0x1000 or 4096");
        }
        return matcher.group(1) != null ? new BigInteger(matcher.group(1), 16) : new BigInteger(matcher.group(2));
    }

    /**
     * Parses a size in bytes with an optional K, M or G (powers of 1024): {@code 16M}, {@code 640K}, {@code 1048576}.
     *
     * @throws IllegalArgumentException if it is not a size
     */
    public static long parseSize(String what, String text) {
        Matcher matcher = SIZE.matcher(text.trim());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(what + " \"" + text + "\" is not a size; write it as 16M or 640K");
        }
        int shift =
                switch (matcher.group(2).toUpperCase(Locale.ROOT)) {
                    case "K" -> 10;
                    case "M" -> 20;
                    case "G" -> 30;
                    default -> 0;
                };
        try {
            return Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << shift);
        } catch (ArithmeticException | NumberFormatException e) {
            throw new IllegalArgumentException(what + " \"" + text + "\" is too large", e);
        }
    }

    /**
     * Parses a positive time in milliseconds, seconds, minutes or hours: {@code 500ms}, {@code 5s}, {@code 2m},
     * {@code 1h}.
     *
     * @throws IllegalArgumentException if it is not a time, or zero
     */
    public static Duration parseDuration(String what, String text) {
        Matcher matcher = DURATION.matcher(text.trim());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    what + " \"" + text + "\" is not a time; write it as 500ms, 5s, 2m or 1h");
        }
        try {
            long number = Long.parseLong(matcher.group(1));
            Duration duration =
                    switch (matcher.group(2).toLowerCase(Locale.ROOT)) {
                        case "ms" -> Duration.ofMillis(number);
                        case "s" -> Duration.ofSeconds(number);
                        case "m" -> Duration.ofMinutes(number);
                        default -> Duration.ofHours(number);
                    };
            if (duration.isZero()) {
                throw new IllegalArgumentException(what + " \"" + text + "\" must be longer than zero");
            }
            return duration;
        } catch (ArithmeticException | NumberFormatException e) {
            throw new IllegalArgumentException(what + " \"" + text + "\" is too long", e);
        }
    }

    /**
     * Parses a date with or without a time of day: {@code 2026-12-31} for its midnight, {@code 2026-12-31T23:59} or
     * {@code 2026-12-31T23:59:58}.
     *
     * @throws IllegalArgumentException if it is not a date
     */
    public static LocalDateTime parseDate(String what, String text) {
        String date = text.trim();
        try {
            return date.contains("T")
                    ? LocalDateTime.parse(date)
                    : LocalDate.parse(date).atStartOfDay();
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(
                    what + " \"" + text + "\" is not a date; write it as 2026-12-31 or 2026-12-31T23:59:58", e);
        }
    }

    /**
     * Returns a time that was not read from a text.
     *
     * @throws IllegalArgumentException if it is not longer than zero
     */
    public static Duration positive(String what, Duration duration) {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException(what + " of " + milliseconds(duration) + " must be longer than zero");
        }
        return duration;
    }

    private static String milliseconds(Duration duration) {
        return BigDecimal.valueOf(duration.getSeconds())
                        .add(BigDecimal.valueOf(duration.getNano(), 9))
                        .movePointRight(3)
                        .stripTrailingZeros()
                        .toPlainString()
                + " ms";
    }

    /**
     * Parses the number of a port, written as an address is.
     *
     * @throws IllegalArgumentException if it is not a number from 0 to 0xffff
     */
    public static int parsePort(String what, String text) {
        BigInteger value = parseNumber(what, text);
        if (value.bitLength() > 16) {
            throw noPort(what, text);
        }
        return value.intValue();
    }

    /**
     * Returns the number of a port.
     *
     * @throws IllegalArgumentException if it is not from 0 to 0xffff
     */
    public static int requirePort(String what, int number) {
        if (number < 0 || number > 0xffff) {
            throw noPort(what, number < 0 ? Integer.toString(number) : hex(number));
        }
        return number;
    }

    private static IllegalArgumentException noPort(String what, String port) {
        return new IllegalArgumentException(what + " " + port + " is not between 0 and 0xffff");
    }

    /** Formats a number as {@code 0x} and lower-case hexadecimal digits without leading zeros, unsigned. */
    public static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }
}
