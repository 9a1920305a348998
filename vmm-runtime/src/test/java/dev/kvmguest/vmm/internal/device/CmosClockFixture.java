package dev.kvmguest.vmm.internal.device;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;

/** An MC146818A as a guest reaches it, on 28 February 2024, two seconds before 14:00. */
abstract class CmosClockFixture {

    static final int SECONDS = 0x00;
    static final int SECONDS_ALARM = 0x01;
    static final int MINUTES = 0x02;
    static final int MINUTES_ALARM = 0x03;
    static final int HOURS = 0x04;
    static final int HOURS_ALARM = 0x05;
    static final int DAY_OF_WEEK = 0x06;
    static final int DAY_OF_MONTH = 0x07;
    static final int MONTH = 0x08;
    static final int YEAR = 0x09;
    static final int A = 0x0a;
    static final int B = 0x0b;
    static final int C = 0x0c;
    static final int D = 0x0d;
    static final int CENTURY = 0x32;

    static final int UIP = 0x80;
    static final int SET = 0x80;
    static final int PERIODIC = 0x40;
    static final int ALARM = 0x20;
    static final int UPDATE_ENDED = 0x10;
    static final int BINARY = 0x04;
    static final int HOURS_24 = 0x02;
    static final int REQUEST = 0x80;

    static final long SECOND = 1_000_000_000;
    static final long MICROSECOND = 1000;
    static final long MIB = 1 << 20;

    long now;
    final List<Boolean> irq = new ArrayList<>();
    CmosClock cmos = clock("2024-02-28T13:59:58");

    CmosClock clock(String start) {
        return new CmosClock(() -> now, this::record, LocalDateTime.parse(start), 64 * MIB);
    }

    void record(boolean high) {
        if (high != requested()) {
            irq.add(high);
        }
    }

    boolean requested() {
        return !irq.isEmpty() && irq.get(irq.size() - 1);
    }

    int read(int index) {
        cmos.writeByte(0, index);
        return cmos.readByte(1);
    }

    void write(int index, int value) {
        cmos.writeByte(0, index);
        cmos.writeByte(1, value);
    }

    /** Lets guest time pass as a board does, stopping at each event. */
    void pass(long nanoseconds) {
        long until = now + nanoseconds;
        while (cmos.nextEvent() <= until) {
            now = cmos.nextEvent();
            cmos.advanceTo(now);
        }
        now = until;
        cmos.advanceTo(now);
    }

    /** The bytes of date and time as the guest reads them: century, year, month, day, hours, minutes, seconds. */
    String dateAndTime() {
        return String.format(
                "%02x%02x-%02x-%02x %02x:%02x:%02x",
                read(CENTURY), read(YEAR), read(MONTH), read(DAY_OF_MONTH), read(HOURS), read(MINUTES), read(SECONDS));
    }

    void setAlarm(int hours, int minutes, int seconds) {
        write(HOURS_ALARM, hours);
        write(MINUTES_ALARM, minutes);
        write(SECONDS_ALARM, seconds);
    }
}
