package dev.kvmguest.vmm.config;

import java.math.BigDecimal;
import java.time.Duration;

/**
 * Stretches the time limits of guests on slow machines, such as a busy build server or an emulated processor. The
 * system property {@value #PROPERTY} is the factor.
 */
public final class TimeFactor {

    /** The system property: a number from 1 to 1000, such as {@code 10} or {@code 1.5}. Without it the factor is 1. */
    public static final String PROPERTY = "kvmguest.timeout.factor";

    private static final BigDecimal MOST = BigDecimal.valueOf(1000);

    private TimeFactor() {}

    /**
     * Returns a time limit multiplied by the factor.
     *
     * @throws IllegalArgumentException if the property is not a number from 1 to 1000
     */
    public static Duration stretch(Duration limit) {
        String property = System.getProperty(PROPERTY);
        if (property == null) {
            return limit;
        }
        BigDecimal factor = parse(property);
        BigDecimal seconds = BigDecimal.valueOf(limit.getSeconds())
                .add(BigDecimal.valueOf(limit.getNano(), 9))
                .multiply(factor);
        // A limit that doesn't fit never comes.
        return seconds.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) >= 0
                ? Duration.ofSeconds(Long.MAX_VALUE)
                : Duration.ofSeconds(
                        seconds.longValue(),
                        seconds.remainder(BigDecimal.ONE).movePointRight(9).longValue());
    }

    private static BigDecimal parse(String property) {
        try {
            BigDecimal factor = new BigDecimal(property.trim());
            if (factor.compareTo(BigDecimal.ONE) >= 0 && factor.compareTo(MOST) <= 0) {
                return factor;
            }
        } catch (NumberFormatException e) {
            // Said below, as for a number out of range.
        }
        throw new IllegalArgumentException(
                PROPERTY + " \"" + property + "\" is not a number from 1 to " + MOST + ", such as 10 or 1.5");
    }
}
