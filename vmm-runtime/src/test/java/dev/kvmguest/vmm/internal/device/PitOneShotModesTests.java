package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Modes 0, 1, 4 and 5 of the 8254, against the statements of its data sheet. */
class PitOneShotModesTests extends Pit8254Fixture {

    @Nested
    class Mode0 {

        @Test
        void outRisesNPlusOnePulsesAfterTheCountWasWritten() {
            gate2(true);
            program(2, 0, 4);
            assertThat(pit.out2()).isFalse();

            assertThat(out2(8)).isEqualTo("LLLLHHHH");
        }

        @Test
        void counterRollsOverAndCountsOn() {
            gate2(true);
            program(2, 0, 2);

            assertThat(counts2(5)).containsExactly(2, 1, 0, 0xffff, 0xfffe);
        }

        @Test
        void newCountIsLoadedAtOnce() {
            gate2(true);
            control(2, LSB);
            write(2, 10);
            advance(5);
            write(2, 3);

            assertThat(out2(5)).isEqualTo("LLLHH");
        }

        @Test
        void firstByteOfTwoStopsTheCountAndTakesOutLow() {
            gate2(true);
            program(2, 0, 2);
            advance(10);
            assertThat(pit.out2()).isTrue();

            write(2, 3);
            assertThat(out2(10)).isEqualTo("LLLLLLLLLL");

            write(2, 0);
            assertThat(out2(5)).isEqualTo("LLLHH");
        }

        @Test
        void newCountTakesOutLowBeforeItIsLoaded() {
            gate2(true);
            control(2, LSB);
            write(2, 3);
            advance(10);
            write(2, 3);

            assertThat(pit.out2()).isFalse();
        }

        @Test
        void gateThatFallsBeforeTheCountIsLoadedStopsItToo() {
            gate2(true);
            program(2, 0, 4);
            gate2(false);
            advance(100);

            assertThat(latched(2)).isEqualTo(4);
            assertThat(pit.out2()).isFalse();
        }

        @Test
        void gateDoesNothingWithoutACount() {
            gate2(true);
            control(2, BOTH);
            gate2(false);
            advance(10);
            gate2(true);

            assertThat(out2(5)).isEqualTo("LLLLL");
            assertThat(status(2) & STATUS_NULL_COUNT).isNotZero();
        }

        @Test
        void lowGateStopsTheCountAndLeavesOut() {
            gate2(true);
            program(2, 0, 4);
            advance(3);
            gate2(false);
            advance(100);
            assertThat(latched(2)).isEqualTo(2);
            assertThat(pit.out2()).isFalse();

            gate2(true);

            assertThat(out2(3)).isEqualTo("LHH");
        }

        @Test
        void countWrittenWithTheGateLowIsLoadedAndWaits() {
            program(2, 0, 4);
            advance(100);
            assertThat(latched(2)).isEqualTo(4);
            assertThat(status(2) & STATUS_NULL_COUNT).isZero();

            gate2(true);

            assertThat(out2(5)).isEqualTo("LLLHH");
        }

        @Test
        void lowGateLeavesOutHighAfterTheEnd() {
            gate2(true);
            program(2, 0, 2);
            advance(5);
            gate2(false);

            assertThat(pit.out2()).isTrue();
        }
    }

    @Nested
    class Mode1 {

        @Test
        void outIsHighUntilTheGateTriggers() {
            program(2, 1, 3);

            assertThat(out2(10)).isEqualTo("HHHHHHHHHH");
        }

        @Test
        void triggerTakesOutLowForNPulses() {
            program(2, 1, 3);
            gate2(true);

            assertThat(out2(6)).isEqualTo("LLLHHH");
        }

        @Test
        void gateMayGoLowMeanwhile() {
            program(2, 1, 3);
            gate2(true);
            advance(1);
            gate2(false);

            assertThat(out2(4)).isEqualTo("LLHH");
        }

        @Test
        void anotherTriggerStartsAgain() {
            program(2, 1, 3);
            gate2(true);
            advance(2);
            gate2(false);
            gate2(true);

            assertThat(pit.out2()).as("OUT until the next pulse").isFalse();
            assertThat(out2(5)).isEqualTo("LLLHH");
        }

        @Test
        void newCountWaitsForTheNextTrigger() {
            program(2, 1, 3);
            gate2(true);
            advance(1);
            write(2, 5, 0);
            assertThat(status(2) & STATUS_NULL_COUNT).isNotZero();
            assertThat(out2(4)).isEqualTo("LLHH");

            gate2(false);
            gate2(true);

            assertThat(out2(7)).isEqualTo("LLLLLHH");
            assertThat(status(2) & STATUS_NULL_COUNT).isZero();
        }

        @ParameterizedTest
        @ValueSource(ints = {1, 2, 3, 5})
        void triggerWithoutACountDoesNothing(int mode) {
            control(2, BOTH | mode << 1);
            gate2(true);

            assertThat(out2(3)).isEqualTo("HHH");
            assertThat(status(2) & STATUS_NULL_COUNT).isNotZero();
        }

        @Test
        void controlWordForgetsTheCount() {
            program(2, 1, 3);
            gate2(true);
            advance(1);
            write(2, 2, 0);
            control(2, BOTH | 1 << 1);
            gate2(false);
            gate2(true);

            assertThat(out2(3)).isEqualTo("HHH");
        }
    }

    @Nested
    class Mode4And5 {

        @Test
        void mode4StrobesNPlusOnePulsesAfterTheCountWasWritten() {
            gate2(true);
            program(2, 4, 3);
            assertThat(pit.out2()).isTrue();

            assertThat(out2(6)).isEqualTo("HHHLHH");
        }

        @Test
        void mode4NewCountIsLoadedAtOnce() {
            gate2(true);
            program(2, 4, 5);
            advance(3);
            write(2, 2, 0);

            assertThat(out2(4)).isEqualTo("HHLH");
        }

        @Test
        void mode4CountsOnWithItsFirstByteOfTwo() {
            gate2(true);
            program(2, 4, 3);
            write(2, 9);

            assertThat(out2(5)).isEqualTo("HHHLH");
        }

        @Test
        void mode4IsStoppedByTheGate() {
            gate2(true);
            program(2, 4, 3);
            advance(2);
            gate2(false);
            advance(50);
            gate2(true);

            assertThat(out2(3)).isEqualTo("HLH");
        }

        @Test
        void mode5StrobesNPlusOnePulsesAfterTheTrigger() {
            program(2, 5, 3);
            assertThat(out2(10)).isEqualTo("HHHHHHHHHH");
            gate2(true);

            assertThat(out2(6)).isEqualTo("HHHLHH");
        }

        @Test
        void mode5CountsNothingWithoutATrigger() {
            gate2(true);
            program(2, 5, 3);

            assertThat(out2(6)).isEqualTo("HHHHHH");
        }

        @Test
        void mode5StartsAgainWithAnotherTrigger() {
            program(2, 5, 3);
            gate2(true);
            advance(2);
            gate2(false);
            gate2(true);

            assertThat(out2(5)).isEqualTo("HHHLH");
        }
    }
}
