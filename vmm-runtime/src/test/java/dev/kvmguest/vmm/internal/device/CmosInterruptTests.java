package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The three interrupts of the MC146818A, against the statements of its data sheet. */
class CmosInterruptTests extends CmosClockFixture {

    @Test
    void flagsAreSetWithoutTheirEnables() {
        setAlarm(0xff, 0xff, 0xff);
        pass(SECOND);

        assertThat(read(C)).isEqualTo(PERIODIC | ALARM | UPDATE_ENDED);
        assertThat(irq).isEmpty();
    }

    @Test
    void nothingIsToComeWithoutAnEnable() {
        assertThat(cmos.nextEvent()).isEqualTo(CmosClock.NEVER);
    }

    @Test
    void updateEndedInterruptsEachSecond() {
        write(B, UPDATE_ENDED | HOURS_24);
        assertThat(cmos.nextEvent()).isEqualTo(SECOND);
        pass(SECOND);

        assertThat(requested()).isTrue();
        assertThat(read(C) & ~PERIODIC).isEqualTo(REQUEST | UPDATE_ENDED);
        assertThat(cmos.nextEvent()).isEqualTo(2 * SECOND);
    }

    @Test
    void readingCClearsItAndTheRequest() {
        write(B, UPDATE_ENDED | HOURS_24);
        pass(SECOND);
        read(C);

        assertThat(requested()).isFalse();
        assertThat(read(C)).isZero();
    }

    @Test
    void requestStaysUntilCIsRead() {
        write(B, UPDATE_ENDED | HOURS_24);
        pass(SECOND);
        assertThat(cmos.nextEvent()).as("while the request is there").isEqualTo(CmosClock.NEVER);
        pass(10 * SECOND);

        assertThat(irq).containsExactly(true);
        read(C);
        pass(SECOND);
        assertThat(irq).containsExactly(true, false, true);
    }

    @Test
    void requestThatIsDueWhenCIsReadIsSeenInIt() {
        write(B, UPDATE_ENDED | HOURS_24);
        now = SECOND;

        assertThat(read(C) & REQUEST).isNotZero();
        assertThat(requested()).isFalse();
    }

    @Test
    void enableWithItsFlagSetRequestsAtOnce() {
        pass(SECOND);
        write(B, UPDATE_ENDED | HOURS_24);

        assertThat(requested()).isTrue();
    }

    @Test
    void clearingTheEnableEndsTheRequestButNotTheFlag() {
        write(B, UPDATE_ENDED | HOURS_24);
        pass(SECOND);
        write(B, HOURS_24);

        assertThat(requested()).isFalse();
        assertThat(read(C) & (REQUEST | UPDATE_ENDED)).isEqualTo(UPDATE_ENDED);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 256", "2, 128", "3, 8192", "4, 4096", "5, 2048", "6, 1024", "7, 512", "8, 256", "9, 128", "10, 64",
        "11, 32", "12, 16", "13, 8", "14, 4", "15, 2"
    })
    void periodicInterruptComesAtItsRate(int rate, int hertz) {
        write(A, 0x20 | rate);
        read(C);
        write(B, PERIODIC | HOURS_24);
        int interrupts = 0;
        while (cmos.nextEvent() <= 10 * SECOND) {
            now = cmos.nextEvent();
            cmos.advanceTo(now);
            assertThat(read(C) & (REQUEST | PERIODIC)).isEqualTo(REQUEST | PERIODIC);
            interrupts++;
        }

        assertThat(interrupts).isEqualTo(10 * hertz);
        assertThat(now).isCloseTo(10 * SECOND, within(1L));
    }

    @Test
    void rateOfZeroIsNoPeriodicInterrupt() {
        write(A, 0x20);
        write(B, PERIODIC | HOURS_24);
        pass(SECOND);

        assertThat(read(C) & PERIODIC).isZero();
        assertThat(cmos.nextEvent()).isEqualTo(CmosClock.NEVER);
    }

    @Test
    void periodicInterruptGoesOnWhileTheTimeIsSet() {
        write(B, SET | PERIODIC | HOURS_24);
        pass(SECOND / 1024 + 1);

        assertThat(requested()).isTrue();
    }

    @Test
    void alarmComesWhenAllThreeBytesAreTheTime() {
        setAlarm(0x14, 0x00, 0x05);
        write(B, ALARM | HOURS_24);
        assertThat(cmos.nextEvent()).isEqualTo(7 * SECOND);
        pass(7 * SECOND);

        assertThat(requested()).isTrue();
        assertThat(read(C) & (REQUEST | ALARM)).isEqualTo(REQUEST | ALARM);
        assertThat(dateAndTime()).isEqualTo("2024-02-28 14:00:05");
        assertThat(cmos.nextEvent()).as("a day later").isEqualTo((7 + 86_400) * SECOND);
    }

    @ParameterizedTest
    @CsvSource({
        "0xff, 0xff, 0xff, 1", // each second
        "0xc0, 0xc0, 0x57, 59", // each minute
        "0xff, 0x00, 0x00, 2", // each hour
        "0x13, 0xff, 0x00, 82802", // each minute of 13:00 to 13:59, 23 hours and 2 s from here
        "0x13, 0x59, 0x58, 86400", // now, which is gone
        "0x13, 0x59, 0x59, 1",
        "0x00, 0x00, 0x00, 36002"
    })
    void alarmBytesFrom0xC0OnFitEverything(String hours, String minutes, String seconds, long after) {
        setAlarm(Integer.decode(hours), Integer.decode(minutes), Integer.decode(seconds));
        write(B, ALARM | HOURS_24);

        assertThat(cmos.nextEvent()).isEqualTo(after * SECOND);
    }

    @ParameterizedTest
    @CsvSource({"0x24, 0, 0", "0, 0x60, 0", "0, 0, 0x5a", "0x81, 0, 0"})
    void alarmThatIsNoTimeNeverComes(String hours, String minutes, String seconds) {
        setAlarm(Integer.decode(hours), Integer.decode(minutes), Integer.decode(seconds));
        write(B, ALARM | HOURS_24);

        assertThat(cmos.nextEvent()).isEqualTo(CmosClock.NEVER);
    }

    @Test
    void alarmInTheAfternoonOf12Hours() {
        write(B, SET);
        write(HOURS, 0x81);
        write(B, ALARM);
        setAlarm(0x82, 0x00, 0x00);

        assertThat(cmos.nextEvent()).isEqualTo(2 * SECOND);
    }

    @Test
    void alarmThatWasPassedWhileNobodyLookedIsInItsFlag() {
        setAlarm(0x14, 0x00, 0x05);
        now = 6 * SECOND;
        assertThat(read(C) & ALARM).isZero();
        now = 3600 * SECOND;

        assertThat(read(C) & ALARM).isNotZero();
    }

    @Test
    void alarmWaitsWhileTheTimeIsSet() {
        setAlarm(0xff, 0xff, 0xff);
        write(B, SET | ALARM | HOURS_24);

        assertThat(cmos.nextEvent()).isEqualTo(CmosClock.NEVER);
    }

    @Test
    void stoppedDividerInterruptsNever() {
        setAlarm(0xff, 0xff, 0xff);
        write(B, PERIODIC | ALARM | UPDATE_ENDED | HOURS_24);
        write(A, 0x76);

        assertThat(cmos.nextEvent()).isEqualTo(CmosClock.NEVER);
    }

    @ParameterizedTest
    @ValueSource(ints = {ALARM, UPDATE_ENDED})
    void secondAfterTheEndOfTimeNeverComes(int enable) {
        setAlarm(0xff, 0xff, 0xff);
        now = Long.MAX_VALUE - SECOND / 2;
        read(C);
        write(B, enable | HOURS_24);

        assertThat(cmos.nextEvent()).isEqualTo(CmosClock.NEVER);
    }

    @Test
    void endOfTimeIsNoOverflow() {
        now = Long.MAX_VALUE - SECOND;
        write(A, 0x76);
        write(A, 0x2f);
        write(B, PERIODIC | UPDATE_ENDED | ALARM | HOURS_24);
        read(C);
        now = Long.MAX_VALUE - SECOND / 4;
        read(C);

        assertThat(cmos.nextEvent()).isEqualTo(CmosClock.NEVER);
    }
}
