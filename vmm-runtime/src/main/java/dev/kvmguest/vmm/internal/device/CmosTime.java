package dev.kvmguest.vmm.internal.device;

import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;

/**
 * Date, time and alarm of an MC146818A, in the bytes that the guest sees, in the format that register B says.
 *
 * <p>A byte that is no date or time, whose counting the data sheet leaves open, carries over with the next second: 31
 * February becomes 3 March. Years are those of the Gregorian calendar, the century included.
 *
 * <p>Source: Motorola MC146818A data sheet (1984), table 3, "Time, Calendar, and Alarm Data Modes".
 */
final class CmosTime {

    /** An alarm that never comes. */
    static final long NEVER = Long.MAX_VALUE;

    private static final int SECONDS = 0x00;
    private static final int SECONDS_ALARM = 0x01;
    private static final int MINUTES = 0x02;
    private static final int MINUTES_ALARM = 0x03;
    private static final int HOURS = 0x04;
    private static final int HOURS_ALARM = 0x05;
    private static final int DAY_OF_WEEK = 0x06;
    private static final int DAY_OF_MONTH = 0x07;
    private static final int MONTH = 0x08;
    private static final int YEAR = 0x09;
    private static final int REGISTER_B = 0x0b;
    /** Firmware's, not the chip's: BCD whatever register B says. */
    private static final int CENTURY = 0x32;

    private static final int BINARY = 0x04;
    private static final int HOURS_24 = 0x02;
    private static final int PM = 0x80;
    /** An alarm byte with both bits set fits every value. */
    private static final int ANY = 0xc0;

    private static final int DAYS_PER_WEEK = 7;
    private static final int MINUTE = 60;
    private static final int HOUR = 60 * MINUTE;
    private static final int DAY = 24 * HOUR;

    private final int[] bytes;

    /** Creates the view of date and time in {@code bytes}, the chip's memory. */
    CmosTime(int[] bytes) {
        this.bytes = bytes;
    }

    /** Sets date, time and day of the week; the fraction of a second is dropped. */
    void set(LocalDateTime time) {
        putDateAndTime(time);
        bytes[DAY_OF_WEEK] = time.getDayOfWeek().getValue() % DAYS_PER_WEEK + 1;
    }

    /** Counts so many seconds, at least 1. The day of the week is counted by itself, from whatever it was. */
    void count(long seconds) {
        LocalDateTime before = dateAndTime();
        LocalDateTime after = before.plusSeconds(seconds);
        putDateAndTime(after);
        long days = ChronoUnit.DAYS.between(before.toLocalDate(), after.toLocalDate());
        bytes[DAY_OF_WEEK] = Math.floorMod(bytes[DAY_OF_WEEK] - 1 + days, DAYS_PER_WEEK) + 1;
    }

    /** Returns after how many seconds, at least 1, the time is that of the alarm, or {@link #NEVER}. */
    long secondsToAlarm() {
        int from = dateAndTime().toLocalTime().toSecondOfDay() + 1;
        int at = from;
        while (at < from + DAY) {
            LocalTime time = LocalTime.ofSecondOfDay(at % DAY);
            if (!fits(bytes[HOURS_ALARM], encodeHour(time.getHour()))) {
                at += HOUR - at % HOUR;
            } else if (!fits(bytes[MINUTES_ALARM], encode(time.getMinute()))) {
                at += MINUTE - at % MINUTE;
            } else if (!fits(bytes[SECONDS_ALARM], encode(time.getSecond()))) {
                at++;
            } else {
                return at - from + 1;
            }
        }
        return NEVER;
    }

    private static boolean fits(int alarm, int value) {
        return (alarm & ANY) == ANY || alarm == value;
    }

    private LocalDateTime dateAndTime() {
        int year = fromBcd(bytes[CENTURY]) * 100 + decode(bytes[YEAR]);
        return LocalDateTime.of(year, 1, 1, 0, 0)
                .plusMonths(decode(bytes[MONTH]) - 1)
                .plusDays(decode(bytes[DAY_OF_MONTH]) - 1)
                .plusHours(decodeHour(bytes[HOURS]))
                .plusMinutes(decode(bytes[MINUTES]))
                .plusSeconds(decode(bytes[SECONDS]));
    }

    private void putDateAndTime(LocalDateTime time) {
        bytes[SECONDS] = encode(time.getSecond());
        bytes[MINUTES] = encode(time.getMinute());
        bytes[HOURS] = encodeHour(time.getHour());
        bytes[DAY_OF_MONTH] = encode(time.getDayOfMonth());
        bytes[MONTH] = encode(time.getMonthValue());
        bytes[YEAR] = encode(Math.floorMod(time.getYear(), 100));
        bytes[CENTURY] = toBcd(Math.floorMod(Math.floorDiv(time.getYear(), 100), 100));
    }

    /** In 12-hour mode midnight and noon are 12, and bit 7 is set from noon on. */
    private int encodeHour(int hour) {
        if (has(HOURS_24)) {
            return encode(hour);
        }
        return encode(hour % 12 == 0 ? 12 : hour % 12) | (hour < 12 ? 0 : PM);
    }

    private int decodeHour(int octet) {
        if (has(HOURS_24)) {
            return decode(octet);
        }
        return decode(octet & ~PM) % 12 + ((octet & PM) == 0 ? 0 : 12);
    }

    private int encode(int value) {
        return has(BINARY) ? value : toBcd(value);
    }

    private int decode(int octet) {
        return has(BINARY) ? octet : fromBcd(octet);
    }

    private boolean has(int format) {
        return (bytes[REGISTER_B] & format) != 0;
    }

    private static int toBcd(int value) {
        return value / 10 << 4 | value % 10;
    }

    private static int fromBcd(int octet) {
        return (octet >> 4) * 10 + (octet & 0xf);
    }
}
