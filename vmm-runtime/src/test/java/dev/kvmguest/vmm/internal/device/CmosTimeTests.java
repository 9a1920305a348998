package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Date and time of the MC146818A, against the statements of its data sheet. */
class CmosTimeTests extends CmosClockFixture {

    @Nested
    class DateAndTime {

        @Test
        void startsWhenItIsTold() {
            assertThat(dateAndTime()).isEqualTo("2024-02-28 13:59:58");
            assertThat(read(DAY_OF_WEEK)).as("Wednesday").isEqualTo(4);
        }

        @ParameterizedTest
        @CsvSource({
            "2024-02-28T13:59:58, 2024-02-28 13:59:59",
            "2024-02-28T13:59:59, 2024-02-28 14:00:00",
            "2024-02-28T23:59:59, 2024-02-29 00:00:00",
            "2023-02-28T23:59:59, 2023-03-01 00:00:00",
            "2000-02-28T23:59:59, 2000-02-29 00:00:00",
            "1900-02-28T23:59:59, 1900-03-01 00:00:00",
            "2024-04-30T23:59:59, 2024-05-01 00:00:00",
            "2024-12-31T23:59:59, 2025-01-01 00:00:00",
            "1999-12-31T23:59:59, 2000-01-01 00:00:00"
        })
        void oneSecondLater(String start, String then) {
            cmos = clock(start);
            pass(SECOND);

            assertThat(dateAndTime()).isEqualTo(then);
        }

        @Test
        void manySecondsAreCountedAtOnce() {
            pass(366L * 86_400 * SECOND);

            assertThat(dateAndTime()).isEqualTo("2025-02-28 13:59:58");
            assertThat(read(DAY_OF_WEEK)).as("Friday").isEqualTo(6);
        }

        @ParameterizedTest
        @CsvSource({"2024-02-24, 7, 1", "2024-02-25, 1, 2"})
        void dayOfTheWeekGoesFromSevenToOne(String date, int before, int after) {
            cmos = clock(date + "T23:59:59");
            assertThat(read(DAY_OF_WEEK)).isEqualTo(before);

            pass(SECOND);

            assertThat(read(DAY_OF_WEEK)).isEqualTo(after);
        }

        @Test
        void dayOfTheWeekIsCountedFromWhateverTheGuestWrote() {
            cmos = clock("2024-02-28T23:59:58");
            write(DAY_OF_WEEK, 1);
            pass(SECOND);
            assertThat(read(DAY_OF_WEEK)).isEqualTo(1);

            pass(SECOND);

            assertThat(read(DAY_OF_WEEK)).isEqualTo(2);
        }

        @ParameterizedTest
        @CsvSource({"0, 7", "8, 1", "7, 7"})
        void dayOfTheWeekThatIsNoneCarriesOver(int written, int then) {
            write(DAY_OF_WEEK, written);
            pass(SECOND);

            assertThat(read(DAY_OF_WEEK)).isEqualTo(then);
        }

        @Test
        void fractionOfTheStartIsWhereTheSecondIs() {
            cmos = clock("2024-02-28T13:59:58.75");
            pass(SECOND / 4 - 1);
            assertThat(read(SECONDS)).isEqualTo(0x58);

            pass(1);

            assertThat(read(SECONDS)).isEqualTo(0x59);
        }

        @Test
        void writtenDateAndTimeIsCountedOn() {
            write(B, SET | HOURS_24);
            write(CENTURY, 0x19);
            write(YEAR, 0x99);
            write(MONTH, 0x12);
            write(DAY_OF_MONTH, 0x31);
            write(HOURS, 0x23);
            write(MINUTES, 0x59);
            write(SECONDS, 0x59);
            write(B, HOURS_24);
            assertThat(dateAndTime()).isEqualTo("1999-12-31 23:59:59");

            pass(SECOND);

            assertThat(dateAndTime()).isEqualTo("2000-01-01 00:00:00");
        }

        @ParameterizedTest
        @CsvSource({
            "0x31, 0x02, 2024-03-02 14:00:00",
            "0x00, 0x01, 2023-12-31 14:00:00",
            "0x01, 0x13, 2025-01-01 14:00:00",
            // Day and month 165: 164 months and 164 days after 1 January.
            "0xff, 0xff, 2038-02-12 14:00:00"
        })
        void dateThatIsNoneCarriesOver(String day, String month, String then) {
            cmos = clock("2024-02-28T13:59:59");
            write(DAY_OF_MONTH, Integer.decode(day));
            write(MONTH, Integer.decode(month));
            pass(SECOND);

            assertThat(dateAndTime()).isEqualTo(then);
        }

        @Test
        void nothingAGuestWritesStopsTheClock() {
            for (int value : new int[] {0x00, 0x5a, 0x80, 0xff}) {
                for (int format = 0; format < 8; format++) {
                    write(B, format);
                    for (int index = 0; index <= YEAR; index++) {
                        write(index, value);
                    }
                    write(CENTURY, value);
                    pass(SECOND);
                    int first = read(SECONDS);
                    pass(SECOND);
                    assertThat(read(SECONDS)).isNotEqualTo(first);
                }
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"-0001-01-01T00:00:00", "+10000-01-01T00:00:00"})
        void startInAYearThatFourDigitsDoNotHoldIsRefused(String start) {
            assertThatThrownBy(() -> clock(start))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("has a year that CMOS can't hold; it must be one of 0 to 9999");
        }
    }

    @Nested
    class Formats {

        /** Sets the format first and then the time, in the order that the data sheet demands. */
        private void setHours(int format, int hours) {
            write(B, SET | format);
            write(HOURS, hours);
            int fiftyNine = (format & BINARY) != 0 ? 59 : 0x59;
            write(MINUTES, fiftyNine);
            write(SECONDS, fiftyNine);
            write(B, format);
            pass(SECOND);
        }

        @ParameterizedTest
        @CsvSource({"0x09, 0x10", "0x19, 0x20", "0x23, 0x00"})
        void bcd24Hours(String before, String after) {
            setHours(HOURS_24, Integer.decode(before));

            assertThat(read(HOURS)).isEqualTo(Integer.decode(after));
        }

        @ParameterizedTest
        @CsvSource({"9, 10", "15, 16", "23, 0"})
        void binary24Hours(int before, int after) {
            setHours(BINARY | HOURS_24, before);

            assertThat(read(HOURS)).isEqualTo(after);
            assertThat(read(MINUTES)).isZero();
        }

        @ParameterizedTest
        @CsvSource({"0x12, 0x01", "0x09, 0x10", "0x11, 0x92", "0x92, 0x81", "0x89, 0x90", "0x91, 0x12"})
        void bcd12HoursWithBit7FromNoonOn(String before, String after) {
            setHours(0, Integer.decode(before));

            assertThat(read(HOURS)).isEqualTo(Integer.decode(after));
        }

        @ParameterizedTest
        @CsvSource({"0x0c, 0x01", "0x09, 0x0a", "0x0b, 0x8c", "0x8c, 0x81", "0x8b, 0x0c"})
        void binary12HoursWithBit7FromNoonOn(String before, String after) {
            setHours(BINARY, Integer.decode(before));

            assertThat(read(HOURS)).isEqualTo(Integer.decode(after));
        }

        @Test
        void hourOf12HoursTakesTheDayWithItAtMidnight() {
            setHours(0, 0x91);

            assertThat(read(DAY_OF_MONTH)).isEqualTo(0x29);
        }

        @Test
        void changeOfFormatLeavesTheBytes() {
            write(B, BINARY | HOURS_24);

            assertThat(read(SECONDS)).isEqualTo(0x58);
        }

        @Test
        void binaryYearAndMonth() {
            write(B, SET | BINARY | HOURS_24);
            write(YEAR, 99);
            write(MONTH, 11);
            write(DAY_OF_MONTH, 30);
            write(HOURS, 23);
            write(MINUTES, 59);
            write(SECONDS, 59);
            write(B, BINARY | HOURS_24);
            pass(SECOND);

            assertThat(read(YEAR)).isEqualTo(99);
            assertThat(read(MONTH)).isEqualTo(12);
            assertThat(read(DAY_OF_MONTH)).isEqualTo(1);
            assertThat(read(CENTURY)).as("century, which is BCD always").isEqualTo(0x20);
        }
    }
}
