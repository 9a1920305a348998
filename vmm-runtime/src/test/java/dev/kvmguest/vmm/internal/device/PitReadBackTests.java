package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The read-back command of the 8254, against the statements of its data sheet. */
class PitReadBackTests extends Pit8254Fixture {

    @Test
    void statusTellsTheControlWordAsWritten() {
        gate2(true);
        control(2, MSB | BCD);
        write(2, 0x10);
        advance(1);

        assertThat(status(2)).isEqualTo(MSB | BCD);
    }

    @Test
    void statusTellsOut() {
        program(0, 0, 3);
        assertThat(status(0) & STATUS_OUT).isZero();

        advance(4);

        assertThat(status(0) & STATUS_OUT).isNotZero();
    }

    @Test
    void nullCountLastsUntilTheCountIsLoaded() {
        control(0, BOTH);
        assertThat(status(0) & STATUS_NULL_COUNT).as("after the control word").isNotZero();
        write(0, 3, 0);
        assertThat(status(0) & STATUS_NULL_COUNT).as("after the count").isNotZero();

        advance(1);

        assertThat(status(0) & STATUS_NULL_COUNT).isZero();
    }

    @Test
    void nullCountTellsOfACountThatWaitsForTheEndOfThePeriod() {
        program(0, 2, 10);
        advance(2);
        write(0, 5, 0);
        assertThat(status(0) & STATUS_NULL_COUNT).isNotZero();

        advance(9);

        assertThat(status(0) & STATUS_NULL_COUNT).isZero();
    }

    @Test
    void statusIsReadBeforeTheCount() {
        program(0, 2, 0x1234);
        advance(1);
        pit.writeByte(CONTROL, READ_BACK_BOTH | 2);
        advance(100);

        assertThat(pit.readByte(0)).isEqualTo(STATUS_OUT | BOTH | 2 << 1);
        assertThat(pit.readByte(0)).isEqualTo(0x34);
        assertThat(pit.readByte(0)).isEqualTo(0x12);
    }

    @Test
    void severalChannelsAreLatchedAtOnce() {
        gate2(true);
        program(0, 2, 0x1000);
        program(2, 2, 0x2000);
        advance(1);
        pit.writeByte(CONTROL, READ_BACK_COUNT | 2 << 0 | 2 << 2);
        advance(50);

        assertThat(pit.readByte(0) | pit.readByte(0) << 8).isEqualTo(0x1000);
        assertThat(pit.readByte(2) | pit.readByte(2) << 8).isEqualTo(0x2000);
    }

    @Test
    void channelsThatAreNotSelectedAreNotLatched() {
        program(0, 2, 0x1000);
        advance(1);
        pit.writeByte(CONTROL, READ_BACK_BOTH | 2 << 1);
        advance(1);

        assertThat(pit.readByte(0)).isEqualTo(0xff);
        assertThat(pit.readByte(0)).isEqualTo(0x0f);
    }

    @Test
    void secondStatusBeforeReadingIsIgnored() {
        program(0, 0, 3);
        advance(1);
        pit.writeByte(CONTROL, READ_BACK_STATUS | 2);
        advance(10);
        pit.writeByte(CONTROL, READ_BACK_STATUS | 2);

        assertThat(pit.readByte(0)).isEqualTo(BOTH);
    }

    @Test
    void neitherStatusNorCountLatchesNothing() {
        program(0, 2, 0x1234);
        advance(1);
        pit.writeByte(CONTROL, 0xf0 | 2);
        advance(1);

        assertThat(pit.readByte(0)).isEqualTo(0x33);
    }
}
