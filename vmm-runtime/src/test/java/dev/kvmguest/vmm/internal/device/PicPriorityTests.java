package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Rotating priorities and special mask mode of the 8259A, against the statements of its data sheet. */
class PicPriorityTests extends Pic8259Fixture {

    @Nested
    class Rotation {

        @Test
        void rotateOnEoiMakesWhatEndedTheLowest() {
            raise(2);
            pic.acknowledge();
            command(ROTATE_ON_EOI);
            pulse(2);
            raise(0, 3, 7);

            assertThat(isr()).isZero();
            assertThat(drain(4)).containsExactly(3, 7, 0, 2);
        }

        @Test
        void rotateOnSpecificEoiMakesItsLevelTheLowest() {
            raise(2);
            pic.acknowledge();
            command(ROTATE_ON_SPECIFIC_EOI | 2);
            pulse(2);
            raise(1, 3);

            assertThat(isr()).isZero();
            assertThat(drain(3)).containsExactly(3, 1, 2);
        }

        @Test
        void setPriorityNamesTheLowest() {
            command(SET_PRIORITY | 4);
            raise(0, 4, 5, 7);

            assertThat(drain(4)).containsExactly(5, 7, 0, 4);
        }

        @Test
        void setPriorityEndsNothing() {
            raise(4);
            pic.acknowledge();
            command(SET_PRIORITY | 4);

            assertThat(isr()).isEqualTo(0x10);
        }

        @Test
        void eoiEndsTheHighestOfTheRotatedOrder() {
            command(SET_PRIORITY | 4);
            raise(2);
            pic.acknowledge();
            raise(6);
            pic.acknowledge();

            command(EOI);

            assertThat(isr()).isEqualTo(0x04);
        }

        @Test
        void whatIsInServiceBlocksWhatRotationPutBelowIt() {
            command(SET_PRIORITY | 4);
            raise(6);
            pic.acknowledge();
            raise(2);
            assertThat(interrupt()).isFalse();

            raise(5);

            assertThat(interrupt()).isTrue();
        }

        @Test
        void automaticEoiRotatesWhenToldTo() {
            initialize(0x13, 0x20, 0x03);
            command(ROTATE_IN_AEOI_SET);
            raise(0, 1);

            assertThat(pic.acknowledge()).isZero();
            pulse(0);
            assertThat(pic.acknowledge()).isEqualTo(1);
        }

        @Test
        void automaticEoiStopsRotatingWhenToldTo() {
            initialize(0x13, 0x20, 0x03);
            command(ROTATE_IN_AEOI_SET);
            command(ROTATE_IN_AEOI_CLEAR);
            raise(0, 1);

            assertThat(pic.acknowledge()).isZero();
            pulse(0);
            assertThat(pic.acknowledge()).isZero();
        }

        private List<Integer> drain(int requests) {
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                int level = pic.acknowledge();
                order.add(level);
                command(SPECIFIC_EOI | level);
            }
            return order;
        }
    }

    @Nested
    class SpecialMask {

        @Test
        void maskingWhatIsInServiceLetsLowerPriorityThrough() {
            raise(3);
            pic.acknowledge();
            raise(6);
            data(0x08);
            assertThat(interrupt()).isFalse();

            command(SET_SPECIAL_MASK);

            assertThat(pic.acknowledge()).isEqualTo(6);
        }

        @Test
        void whatIsInServiceAndNotMaskedStillBlocks() {
            raise(3);
            pic.acknowledge();
            raise(6);
            command(SET_SPECIAL_MASK);

            assertThat(interrupt()).isFalse();
        }

        @Test
        void nonSpecificEoiDoesNotEndWhatIsMasked() {
            raise(3);
            pic.acknowledge();
            data(0x08);
            command(SET_SPECIAL_MASK);

            command(EOI);
            assertThat(isr()).isEqualTo(0x08);

            command(SPECIFIC_EOI | 3);
            assertThat(isr()).isZero();
        }

        @Test
        void endsWhenToldTo() {
            raise(3);
            pic.acknowledge();
            raise(6);
            data(0x08);
            command(SET_SPECIAL_MASK);
            command(RESET_SPECIAL_MASK);

            assertThat(interrupt()).isFalse();
        }

        @Test
        void otherOperationCommandsLeaveItAlone() {
            raise(3);
            pic.acknowledge();
            raise(6);
            data(0x08);
            command(SET_SPECIAL_MASK);
            command(READ_ISR);
            assertThat(interrupt()).isTrue();

            command(RESET_SPECIAL_MASK);
            command(0x28);
            assertThat(interrupt()).isFalse();
        }
    }
}
