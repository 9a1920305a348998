package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.bus.IrqLine;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Initialization, status and polling of the 8259A, against the statements of its data sheet. */
class PicCommandTests extends Pic8259Fixture {

    @Nested
    class ReadingAndPolling {

        @Test
        void readSelectionStaysUntilItIsChanged() {
            raise(3);
            pic.acknowledge();
            raise(6);
            command(READ_ISR);
            command(EOI);
            raise(2);
            pic.acknowledge();
            command(0x08);

            assertThat(pic.readByte(0)).isEqualTo(0x04);
            assertThat(pic.readByte(0)).isEqualTo(0x04);
        }

        @Test
        void requestsAreReadAtFirst() {
            raise(3);

            assertThat(pic.readByte(0)).isEqualTo(0x08);
        }

        @Test
        void pollIsAnAcknowledge() {
            raise(6, 5);
            command(POLL);

            assertThat(pic.readByte(0)).isEqualTo(0x85);
            assertThat(isr()).isEqualTo(0x20);
            assertThat(irr()).isEqualTo(0x40);
            assertThat(interrupt()).isFalse();
        }

        @Test
        void pollWithoutARequestSaysSo() {
            command(POLL);

            assertThat(pic.readByte(0) & 0x80).isZero();
            assertThat(isr()).isZero();
        }

        @Test
        void pollIsForOneRead() {
            raise(5);
            command(POLL);
            pic.readByte(0);
            raise(6);

            assertThat(pic.readByte(0)).isEqualTo(0x40);
            assertThat(isr()).isEqualTo(0x20);
        }

        @Test
        void pollGoesBeforeReadingAStatusRegister() {
            raise(5);
            command(POLL | READ_ISR);

            assertThat(pic.readByte(0)).isEqualTo(0x85);
            assertThat(pic.readByte(0)).isEqualTo(0x20);
        }
    }

    @Nested
    class Initialization {

        @ParameterizedTest
        @CsvSource({"0x20, 0x20", "0x47, 0x40", "0xff, 0xf8"})
        void vectorBaseHasFiveBits(String icw2, String base) {
            initialize(0x13, Integer.decode(icw2), 0x01);

            assertThat(pic.vector(0)).isEqualTo(Integer.decode(base));
            assertThat(pic.vector(7)).isEqualTo(Integer.decode(base) + 7);
        }

        @Test
        void clearsTheMask() {
            data(0xff);
            initialize(0x13, 0x20, 0x01);

            assertThat(pic.readByte(1)).isZero();
        }

        @Test
        void inputMustRiseAgainAfterIt() {
            raise(3);
            initialize(0x13, 0x20, 0x01);
            assertThat(irr()).isZero();
            assertThat(interrupt()).isFalse();

            pulse(3);

            assertThat(interrupt()).isTrue();
        }

        @Test
        void makesInput7TheLowestAndEndsRotationInAutomaticEoi() {
            command(SET_PRIORITY | 4);
            command(ROTATE_IN_AEOI_SET);
            initialize(0x13, 0x20, 0x03);
            raise(0, 5);

            assertThat(pic.acknowledge()).isZero();
            pulse(0);
            assertThat(pic.acknowledge()).isZero();
        }

        @Test
        void endsSpecialMaskAndSelectsTheRequestRegister() {
            command(SET_SPECIAL_MASK);
            command(READ_ISR);
            initialize(0x13, 0x20, 0x01);
            raise(3);
            assertThat(pic.readByte(0)).isEqualTo(0x08);

            pic.acknowledge();
            raise(6);
            data(0x08);

            assertThat(interrupt()).isFalse();
        }

        @Test
        void endsWhatWasInService() {
            raise(0);
            pic.acknowledge();
            initialize(0x13, 0x20, 0x01);

            assertThat(isr()).isZero();
        }

        @Test
        void endsPolling() {
            raise(0);
            command(POLL);
            initialize(0x13, 0x20, 0x01);
            pulse(0);

            assertThat(pic.readByte(0)).isEqualTo(0x01);
        }

        @Test
        void withoutIcw4ThereIsNoAutomaticEoi() {
            initialize(0x13, 0x20, 0x03);
            initialize(0x12, 0x20);
            raise(3);
            pic.acknowledge();

            assertThat(isr()).isEqualTo(0x08);
        }

        @Test
        void singleControllerTakesNoIcw3() {
            initialize(0x13, 0x20, 0x01);
            data(0xfe);

            assertThat(pic.readByte(1)).isEqualTo(0xfe);
        }

        @Test
        void cascadedControllerTakesIcw3() {
            initialize(0x11, 0x20, 0x04, 0x01);

            assertThat(pic.readByte(1)).isZero();
            assertThat(pic.hasSlaveAt(2)).isTrue();
            assertThat(pic.hasSlaveAt(3)).isFalse();
        }

        @Test
        void nothingIsRequestedOrAcceptedBeforeItsLastWord() {
            initialize(0x11, 0x20, 0x00);
            raise(3);
            assertThat(interrupt()).isFalse();
            assertThat(pic.accepts(3)).isFalse();

            data(0x01);

            assertThat(interrupt()).isTrue();
            assertThat(pic.accepts(3)).isTrue();
        }

        @Test
        void startsAgainWithIcw1() {
            initialize(0x11, 0x20);
            initialize(0x13, 0x40, 0x01);

            assertThat(pic.vector(0)).isEqualTo(0x40);
            assertThat(pic.readByte(1)).isZero();
            raise(0);
            assertThat(interrupt()).isTrue();
        }

        @Test
        void slaveTakesItsIdFromIcw3() {
            IrqLine nowhere = high -> {};
            Pic8259 slave = Pic8259.slave(nowhere, 0x70, 2, 0);
            assertThat(slave.answersTo(2)).isTrue();

            slave.writeByte(0, 0x11);
            assertThat(slave.answersTo(7)).as("id before ICW3").isTrue();
            slave.writeByte(1, 0x28);
            slave.writeByte(1, 0xfd);

            assertThat(slave.answersTo(5)).isTrue();
            assertThat(slave.answersTo(2)).isFalse();
        }
    }
}
