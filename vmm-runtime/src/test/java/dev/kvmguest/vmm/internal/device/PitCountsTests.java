package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How counts are written to an 8254 and read from it, against the statements of its data sheet. */
class PitCountsTests extends Pit8254Fixture {

    @Nested
    class WritingCounts {

        @ParameterizedTest
        @CsvSource({"0, 65536", "1, 1", "65535, 65535"})
        void countOfZeroIs65536(int written, int pulses) {
            program(0, 0, written);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(pulses + 1));
        }

        @Test
        void lsbAloneHasAnMsbOfZero() {
            control(0, LSB);
            write(0, 0x12);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(0x13));
        }

        @Test
        void msbAloneHasAnLsbOfZero() {
            control(0, MSB);
            write(0, 0x12);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(0x1201));
        }

        @Test
        void controlWordForgetsTheFirstByteOfTwo() {
            control(0, BOTH);
            write(0, 0x12);
            program(0, 0, 0x0403);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(0x0404));
        }

        @ParameterizedTest
        @CsvSource({"0x1234, 1234", "0x0000, 10000", "0x9999, 9999"})
        void bcdCountsAreDecimal(String written, int pulses) {
            int count = Integer.decode(written);
            control(0, BOTH | BCD);
            write(0, count & 0xff, count >> 8);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(pulses + 1));
        }

        @Test
        void bcdCounterRollsOverTo9999() {
            gate2(true);
            control(2, BOTH | BCD);
            write(2, 0x01, 0x10);
            assertThat(counts2(3)).containsExactly(0x1001, 0x1000, 0x0999);

            write(2, 0x01, 0x00);
            assertThat(counts2(3)).containsExactly(1, 0, 0x9999);
        }

        @Test
        void digitsThatAreNoneAreCountedByTheirWeight() {
            control(0, BOTH | BCD);
            write(0, 0xff, 0xff);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(16_666));
            advance(1);
            assertThat(latched(0)).isEqualTo(0x6665);
        }

        @ParameterizedTest
        @CsvSource({"6, 2", "7, 3"})
        void thirdBitOfModes2And3DoesNotCount(int written, int mode) {
            gate2(true);
            program(2, written, 4);
            String shape = out2(8);
            program(2, mode, 4);

            assertThat(out2(8)).isEqualTo(shape);
            program(2, written, 4);
            assertThat(status(2) & 0x0e).as("but reads back").isEqualTo(written << 1);
        }
    }

    @Nested
    class ReadingCounts {

        @Test
        void latchHoldsTheCountUntilItIsRead() {
            program(0, 2, 0x1234);
            advance(5);
            control(0, LATCH);
            advance(1000);

            assertThat(pit.readByte(0) | pit.readByte(0) << 8).isEqualTo(0x1230);
            assertThat(latched(0)).isEqualTo(0x1230 - 1000);
        }

        @Test
        void secondLatchBeforeReadingIsIgnored() {
            program(0, 2, 0x1234);
            advance(5);
            control(0, LATCH);
            advance(100);
            control(0, LATCH);

            assertThat(pit.readByte(0) | pit.readByte(0) << 8).isEqualTo(0x1230);
        }

        @Test
        void halfReadLatchStaysLatched() {
            program(0, 2, 0x1234);
            advance(5);
            control(0, LATCH);
            assertThat(pit.readByte(0)).isEqualTo(0x30);
            advance(0x100);
            control(0, LATCH);

            assertThat(pit.readByte(0)).isEqualTo(0x12);
        }

        @Test
        void channelsAreLatchedApart() {
            gate2(true);
            program(0, 2, 0x1000);
            program(2, 2, 0x2000);
            advance(1);
            control(0, LATCH);
            control(2, LATCH);
            advance(50);

            assertThat(pit.readByte(2) | pit.readByte(2) << 8).isEqualTo(0x2000);
            assertThat(pit.readByte(0) | pit.readByte(0) << 8).isEqualTo(0x1000);
        }

        @Test
        void controlWordDropsWhatIsLatched() {
            program(0, 2, 0x1234);
            advance(1);
            pit.writeByte(CONTROL, READ_BACK_BOTH | 2);
            program(0, 2, 0x4321);
            advance(1);

            assertThat(pit.readByte(0)).isEqualTo(0x21);
        }

        @Test
        void countReadsLsbThenMsbWithoutALatch() {
            program(0, 2, 0x1234);
            advance(1);

            assertThat(pit.readByte(0)).isEqualTo(0x34);
            assertThat(pit.readByte(0)).isEqualTo(0x12);
            assertThat(pit.readByte(0)).isEqualTo(0x34);
        }

        @ParameterizedTest
        @CsvSource({"0x10, 0x12", "0x20, 0x1200"})
        void singleByteChannelReadsItsByte(String access, String count) {
            control(0, Integer.decode(access) | 2 << 1);
            write(0, 0x12);
            advance(1);

            assertThat(pit.readByte(0)).isEqualTo(0x12);
            assertThat(pit.readByte(0)).isEqualTo(0x12);
            control(0, LATCH);
            assertThat(pit.readByte(0)).isEqualTo(0x12);
            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(Integer.decode(count) + 1));
        }

        @Test
        void latchOfASingleByteChannelIsForOneRead() {
            control(0, LSB | 2 << 1);
            write(0, 0x12);
            advance(1);
            control(0, LATCH);
            advance(1);

            assertThat(pit.readByte(0)).isEqualTo(0x12);
            assertThat(pit.readByte(0)).isEqualTo(0x11);
        }

        @Test
        void controlWordBeginsWithTheLsbAgain() {
            program(0, 2, 0x1234);
            advance(1);
            pit.readByte(0);
            program(0, 2, 0x5678);
            advance(1);

            assertThat(pit.readByte(0)).isEqualTo(0x78);
        }

        @Test
        void readsAndWritesOfTwoBytesMayAlternate() {
            program(0, 0, 0x1234);
            advance(1);
            assertThat(pit.readByte(0)).isEqualTo(0x34);
            write(0, 0x78);
            assertThat(pit.readByte(0)).isEqualTo(0x12);
            write(0, 0x56);
            advance(1);

            assertThat(latched(0)).isEqualTo(0x5678);
        }

        @Test
        void oldCountIsReadUntilTheNewOneIsLoaded() {
            program(0, 0, 0x1234);
            advance(4);
            write(0, 0x78, 0x56);
            assertThat(latched(0)).isEqualTo(0x1231);

            advance(1);

            assertThat(latched(0)).isEqualTo(0x5678);
        }
    }
}
