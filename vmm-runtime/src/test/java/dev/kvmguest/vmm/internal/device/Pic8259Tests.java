package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests, acknowledgements and EOI of the 8259A, against the statements of its data sheet. */
class Pic8259Tests extends Pic8259Fixture {

    @Nested
    class Requests {

        @Test
        void interruptIsLowWithoutARequest() {
            assertThat(interrupt()).isFalse();
        }

        @Test
        void requestRaisesInterrupt() {
            raise(3);

            assertThat(interrupt()).isTrue();
            assertThat(irr()).isEqualTo(0x08);
            assertThat(isr()).isZero();
        }

        @Test
        void acknowledgeMovesTheRequestIntoService() {
            raise(3);

            assertThat(pic.acknowledge()).isEqualTo(3);
            assertThat(irr()).isZero();
            assertThat(isr()).isEqualTo(0x08);
            assertThat(interrupt()).isFalse();
        }

        @Test
        void vectorIsTheBaseWithTheLevel() {
            assertThat(pic.vector(5)).isEqualTo(0x25);
        }

        @Test
        void input0HasTheHighestPriority() {
            raise(7, 4, 0, 2);

            assertThat(pic.acknowledge()).isZero();
        }

        @Test
        void maskedRequestIsRemembered() {
            data(0x08);
            raise(3);
            assertThat(interrupt()).isFalse();
            assertThat(irr()).isEqualTo(0x08);

            data(0);

            assertThat(interrupt()).isTrue();
        }

        @Test
        void maskingARequestLowersInterrupt() {
            raise(3);
            data(0x08);

            assertThat(interrupt()).isFalse();
        }

        @Test
        void maskOfAHigherInputLeavesLowerOnesAlone() {
            data(0x01);
            raise(0, 1);

            assertThat(pic.acknowledge()).isEqualTo(1);
        }

        @Test
        void maskReadsBack() {
            data(0xa5);

            assertThat(pic.readByte(1)).isEqualTo(0xa5);
        }
    }

    @Nested
    class EdgeAndLevel {

        @Test
        void inputThatStaysHighRequestsOnce() {
            raise(4);
            pic.acknowledge();
            command(EOI);

            assertThat(interrupt()).isFalse();
            assertThat(irr()).isZero();
        }

        @Test
        void inputThatRisesAgainRequestsAgain() {
            raise(4);
            pic.acknowledge();
            pulse(4);
            assertThat(irr()).isEqualTo(0x10);
            assertThat(interrupt()).isFalse();

            command(EOI);

            assertThat(interrupt()).isTrue();
        }

        @Test
        void requestThatGoesLowBeforeItIsAcknowledgedIsGone() {
            raise(4);
            lower(4);

            assertThat(irr()).isZero();
            assertThat(interrupt()).isFalse();
        }

        @Test
        void requestThatIsGoneIsAcknowledgedAsInput7OutOfService() {
            raise(4);
            lower(4);

            assertThat(pic.acknowledge()).isEqualTo(7);
            assertThat(isr()).isZero();
        }

        @Test
        void realInput7IsInService() {
            raise(7);

            assertThat(pic.acknowledge()).isEqualTo(7);
            assertThat(isr()).isEqualTo(0x80);
        }

        @Test
        void requestMaskedBeforeItIsAcknowledgedIsSpuriousToo() {
            raise(1);
            data(0xff);

            assertThat(pic.acknowledge()).isEqualTo(7);
            assertThat(isr()).isZero();
        }

        @Test
        void levelThatStaysHighRequestsAgainAfterEoi() {
            initialize(0x1b, 0x20, 0x01);
            raise(4);
            pic.acknowledge();
            assertThat(irr()).isEqualTo(0x10);
            assertThat(interrupt()).isFalse();

            command(EOI);

            assertThat(interrupt()).isTrue();
        }

        @Test
        void levelThatGoesLowRequestsNoMore() {
            initialize(0x1b, 0x20, 0x01);
            raise(4);
            pic.acknowledge();
            lower(4);
            command(EOI);

            assertThat(interrupt()).isFalse();
            assertThat(irr()).isZero();
        }

        @Test
        void sameLevelAgainIsNoEdge() {
            raise(4);
            pic.acknowledge();
            raise(4);

            assertThat(irr()).isZero();
        }
    }

    @Nested
    class EndOfInterrupt {

        @Test
        void lowerAndEqualPriorityWaitForEoi() {
            raise(3);
            pic.acknowledge();
            raise(5);
            pulse(3);
            assertThat(interrupt()).isFalse();

            command(EOI);

            assertThat(interrupt()).isTrue();
            assertThat(pic.acknowledge()).isEqualTo(3);
        }

        @Test
        void higherPriorityInterruptsWhatIsInService() {
            raise(3);
            pic.acknowledge();
            raise(1);

            assertThat(interrupt()).isTrue();
            assertThat(pic.acknowledge()).isEqualTo(1);
            assertThat(isr()).isEqualTo(0x0a);
        }

        @Test
        void nonSpecificEoiEndsTheHighestInService() {
            raise(3);
            pic.acknowledge();
            raise(1);
            pic.acknowledge();

            command(EOI);

            assertThat(isr()).isEqualTo(0x08);
        }

        @Test
        void specificEoiEndsTheLevelItNames() {
            raise(3);
            pic.acknowledge();
            raise(1);
            pic.acknowledge();

            command(SPECIFIC_EOI | 3);

            assertThat(isr()).isEqualTo(0x02);
        }

        @ParameterizedTest
        @ValueSource(ints = {EOI, ROTATE_ON_EOI, SPECIFIC_EOI | 3, NO_OPERATION | 3})
        void eoiWithNothingInServiceDoesNothing(int ocw2) {
            command(ocw2);
            raise(6, 0);

            assertThat(isr()).isZero();
            assertThat(pic.acknowledge()).isZero();
        }

        @Test
        void noOperationLeavesWhatIsInService() {
            raise(3);
            pic.acknowledge();

            command(NO_OPERATION | 3);

            assertThat(isr()).isEqualTo(0x08);
        }

        @Test
        void automaticEoiLeavesNothingInService() {
            initialize(0x13, 0x20, 0x03);
            raise(3);

            assertThat(pic.acknowledge()).isEqualTo(3);
            assertThat(isr()).isZero();
        }

        @Test
        void afterAutomaticEoiLowerPriorityFollowsAtOnce() {
            initialize(0x13, 0x20, 0x03);
            raise(3, 5);
            pic.acknowledge();

            assertThat(interrupt()).isTrue();
            assertThat(pic.acknowledge()).isEqualTo(5);
        }

        @Test
        void interruptFallsWithEachAcknowledgeSoThatAMasterSeesTheNextEdge() {
            initialize(0x13, 0x20, 0x03);
            raise(3, 5);
            pic.acknowledge();

            assertThat(levels).containsExactly(false, true, false, true);
        }
    }
}
