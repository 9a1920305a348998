package dev.kvmguest.maven.check;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.stream.IntStream;

/** The points that a check is worth in a course. */
public final class Points {

    private static final String FORM = "\\d{1,6}(\\.\\d{1,2})?";
    private static final int DECIMALS = 2;

    private Points() {}

    /**
     * Reads a number of points.
     *
     * @throws IllegalArgumentException if it is not a number from 0 to 999999.99 with at most two decimals
     */
    public static BigDecimal parse(String text) {
        if (!text.trim().matches(FORM)) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not a number from 0 to 999999.99, such as 10 or 2.5");
        }
        return new BigDecimal(text.trim());
    }

    /** Returns points as text, such as {@code 2.5} and {@code 10}. */
    public static String text(BigDecimal points) {
        return points.signum() == 0 ? "0" : points.stripTrailingZeros().toPlainString();
    }

    /** Returns equal shares of points as far as hundredths allow; the first ones have what is left over. */
    public static List<BigDecimal> share(BigDecimal points, int shares) {
        BigDecimal hundredth = BigDecimal.ONE.movePointLeft(DECIMALS);
        BigDecimal share = points.divide(BigDecimal.valueOf(shares), DECIMALS, RoundingMode.DOWN);
        int left = points.subtract(share.multiply(BigDecimal.valueOf(shares)))
                .movePointRight(DECIMALS)
                .intValueExact();
        return IntStream.range(0, shares)
                .mapToObj(i -> i < left ? share.add(hundredth) : share)
                .toList();
    }
}
