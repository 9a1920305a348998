package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PointsTests {

    @Test
    void pointsAreWrittenWithoutZerosThatSayNothing() {
        assertThat(Points.text(Points.parse(" 10 "))).isEqualTo("10");
        assertThat(Points.text(Points.parse("2.50"))).isEqualTo("2.5");
        assertThat(Points.text(Points.parse("0.00"))).isEqualTo("0");
        assertThat(Points.text(new BigDecimal("1E+2"))).isEqualTo("100");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-1", "+1", "1e3", "1,5", ".5", "1.234", "1000000", "ten"})
    void whatIsNoNumberOfPointsIsRefused(String text) {
        assertThatThrownBy(() -> Points.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("\"" + text + "\" is not a number from 0 to 999999.99, such as 10 or 2.5");
    }

    @ParameterizedTest
    @CsvSource({"10, 3", "0.05, 7", "0, 4", "999999.99, 11", "7, 1"})
    void sharesAddUpAndDifferByAHundredthAtMost(BigDecimal points, int shares) {
        List<BigDecimal> all = Points.share(points, shares);

        assertThat(all).hasSize(shares);
        assertThat(all.stream().reduce(BigDecimal.ZERO, BigDecimal::add)).isEqualByComparingTo(points);
        assertThat(all.get(0).subtract(all.get(shares - 1))).isBetween(BigDecimal.ZERO, new BigDecimal("0.01"));
    }
}
