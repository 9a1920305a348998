package dev.kvmguest.vmm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.time.LocalDateTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NotationTests {

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "0x0, 0",
        "4096, 4096",
        "0x1000, 4096",
        "0X7C00, 31744",
        "' 0x10 ', 16",
        "0x8000_1000, 2147487744",
        "1_000, 1000",
        "4294967295, 4294967295",
        "0xffffffff, 4294967295",
        "0x00000000000000000010, 16"
    })
    void addressIsHexadecimalOrDecimal(String text, long value) {
        assertThat(Notation.parseAddress("load", text)).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", " ", "_", "0x", "0xg", "x10", "kernel", "-1", "+1", "0x-1", "0x+1", "16M", "1.5", "0x1 0"})
    void whatIsNoAddressIsNamedWithTheNotation(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parseAddress("load", text))
                .withMessage("load \"" + text + "\" is not a number; write it as 0x1000 or 4096");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "4294967296",
                "0x1_0000_0000",
                "0xffffffffffffffff",
                "0x10000000000000000",
                "18446744073709551616"
            })
    void addressBeyond32BitsIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parseAddress("load", text))
                .withMessage("load \"" + text + "\" does not fit in 32 bits");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1048576, 1048576",
        "640K, 655360",
        "640k, 655360",
        "16M, 16777216",
        "16 MB, 16777216",
        "16MiB, 16777216",
        "' 2G ', 2147483648"
    })
    void sizeTakesPowersOf1024(String text, long bytes) {
        assertThat(Notation.parseSize("memory", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "M", "-1M", "1.5M", "0x1000", "16T", "16M16"})
    void whatIsNoSizeIsNamedWithTheNotation(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parseSize("memory", text))
                .withMessage("memory \"" + text + "\" is not a size; write it as 16M or 640K");
    }

    @ParameterizedTest
    @ValueSource(strings = {"8589934592G", "9223372036854775808", "99999999999999999999K"})
    void sizeBeyondALongIsTooLarge(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parseSize("memory", text))
                .withMessage("memory \"" + text + "\" is too large");
    }

    @ParameterizedTest
    @CsvSource({"500ms, PT0.5S", "5s, PT5S", "5 S, PT5S", "2m, PT2M", "1h, PT1H", "' 1MS ', PT0.001S"})
    void timeIsMillisecondsSecondsMinutesOrHours(String text, Duration duration) {
        assertThat(Notation.parseDuration("timeout", text)).isEqualTo(duration);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "s", "-5s", "1.5s", "5d", "1h30m", "PT5S", "5 seconds"})
    void whatIsNoTimeIsNamedWithTheNotation(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parseDuration("timeout", text))
                .withMessage("timeout \"" + text + "\" is not a time; write it as 500ms, 5s, 2m or 1h");
    }

    @ParameterizedTest
    @ValueSource(strings = {"9223372036854775807m", "9223372036854775807h", "99999999999999999999s"})
    void timeBeyondADurationIsTooLong(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parseDuration("timeout", text))
                .withMessage("timeout \"" + text + "\" is too long");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0s", "0ms", "0m", "0 h"})
    void timeOfZeroIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parseDuration("timeout", text))
                .withMessage("timeout \"" + text + "\" must be longer than zero");
    }

    @ParameterizedTest
    @CsvSource({"PT0S, 0 ms", "PT-1S, -1000 ms", "PT-0.0015S, -1.5 ms"})
    void timeThatIsNotPositiveIsNamedInMilliseconds(Duration time, String words) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.positive("timeout", time))
                .withMessage("timeout of " + words + " must be longer than zero");
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0xe9, 233", "65535, 65535", "0x0000ffff, 65535"})
    void portIsANumberOf16Bits(String text, int port) {
        assertThat(Notation.parsePort("port", text)).isEqualTo(port);
        assertThat(Notation.requirePort("port", port)).isEqualTo(port);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0x10000", "65536", "0x100000000", "99999999999999999999"})
    void portBeyondTheLastIsNamed(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parsePort("port", text))
                .withMessage("port " + text + " is not between 0 and 0xffff");
    }

    @ParameterizedTest
    @CsvSource({"65536, 0x10000", "-1, -1"})
    void numberThatIsNoPortIsNamed(int number, String words) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.requirePort("port", number))
                .withMessage("port " + words + " is not between 0 and 0xffff");
    }

    @ParameterizedTest
    @CsvSource({
        "2026-12-31, 2026-12-31T00:00:00",
        "2026-12-31T23:59, 2026-12-31T23:59:00",
        "' 1999-12-31T23:59:58 ', 1999-12-31T23:59:58"
    })
    void dateMayHaveATimeOfDay(String text, LocalDateTime date) {
        assertThat(Notation.parseDate("date", text)).isEqualTo(date);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "today", "2026-13-01", "2026-02-29", "31.12.2026", "2026-12-31 23:59", "2026-12-31T24:00"})
    void whatIsNoDateIsNamedWithTheNotation(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Notation.parseDate("date", text))
                .withMessage("date \"" + text + "\" is not a date; write it as 2026-12-31 or 2026-12-31T23:59:58");
    }

    @Test
    void hexadecimalHasNoLeadingZerosAndNoSign() {
        assertThat(Notation.hex(0)).isEqualTo("0x0");
        assertThat(Notation.hex(0x7C00)).isEqualTo("0x7c00");
        assertThat(Notation.hex(-1L)).isEqualTo("0xffffffffffffffff");
    }
}
