package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Modes 2 and 3 of the 8254, against the statements of its data sheet. */
class PitPeriodicModesTests extends Pit8254Fixture {

    @Nested
    class Mode2 {

        @Test
        void outIsLowForThePulseOfCountOne() {
            gate2(true);
            program(2, 2, 3);

            assertThat(out2(10)).isEqualTo("HHLHHLHHLH");
        }

        @Test
        void countsFromNToOne() {
            gate2(true);
            program(2, 2, 3);

            assertThat(counts2(7)).containsExactly(3, 2, 1, 3, 2, 1, 3);
        }

        @Test
        void newCountIsLoadedAtTheEndOfThePeriod() {
            gate2(true);
            program(2, 2, 5);
            advance(2);
            write(2, 3, 0);

            assertThat(counts2(8)).containsExactly(3, 2, 1, 3, 2, 1, 3, 2);
        }

        @Test
        void newCountWaitsForTheEndOfThePeriodThatTheOneBeforeItBegan() {
            gate2(true);
            program(2, 2, 5);
            advance(2);
            write(2, 3, 0);
            advance(5);
            write(2, 9, 0);

            assertThat(out2(10)).isEqualTo("LHHHHHHHHL");
        }

        @ParameterizedTest
        @ValueSource(ints = {2, 3})
        void countOfOneLeavesOutHigh(int mode) {
            gate2(true);
            program(2, mode, 1);

            assertThat(out2(3)).isEqualTo("HHH");
        }

        @Test
        void lastOfSeveralNewCountsIsLoaded() {
            gate2(true);
            program(2, 2, 5);
            advance(2);
            write(2, 9, 0);
            write(2, 2, 0);

            assertThat(out2(8)).isEqualTo("HHLHLHLH");
        }

        @Test
        void countWrittenBeforeTheFirstIsLoadedReplacesIt() {
            gate2(true);
            program(2, 2, 5);
            write(2, 2, 0);

            assertThat(out2(4)).isEqualTo("HLHL");
        }

        @Test
        void lowGateTakesOutHighAtOnce() {
            gate2(true);
            program(2, 2, 3);
            advance(3);
            assertThat(pit.out2()).isFalse();

            gate2(false);

            assertThat(pit.out2()).isTrue();
            assertThat(out2(5)).isEqualTo("HHHHH");
        }

        @Test
        void risingGateReloads() {
            gate2(true);
            program(2, 2, 5);
            advance(3);
            gate2(false);
            advance(100);
            assertThat(latched(2)).isEqualTo(3);
            gate2(true);

            assertThat(counts2(6)).containsExactly(5, 4, 3, 2, 1, 5);
        }

        @Test
        void risingGateLoadsANewCount() {
            gate2(true);
            program(2, 2, 50);
            advance(3);
            write(2, 2, 0);
            gate2(false);
            advance(100);
            gate2(true);

            assertThat(out2(4)).isEqualTo("HLHL");
        }

        @Test
        void countWrittenWithTheGateLowWaitsForIt() {
            gate2(true);
            program(2, 2, 50);
            advance(3);
            gate2(false);
            write(2, 2, 0);
            advance(100);
            assertThat(status(2) & STATUS_NULL_COUNT).isNotZero();
            gate2(true);

            assertThat(out2(4)).isEqualTo("HLHL");
        }

        @Test
        void nextEventFollowsANewCount() {
            program(0, 2, 50);
            advance(10);
            write(0, 20, 0);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(51));
            advance(41);
            pit.advanceTo(nanoseconds);
            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(71));
        }
    }

    @Nested
    class Mode3 {

        @Test
        void evenCountIsASquareWave() {
            gate2(true);
            program(2, 3, 4);

            assertThat(out2(10)).isEqualTo("HHLLHHLLHH");
        }

        @Test
        void oddCountIsHighForOnePulseMore() {
            gate2(true);
            program(2, 3, 5);

            assertThat(out2(12)).isEqualTo("HHHLLHHHLLHH");
        }

        @Test
        void evenCountIsCountedByTwo() {
            gate2(true);
            program(2, 3, 6);

            assertThat(counts2(7)).containsExactly(6, 4, 2, 6, 4, 2, 6);
        }

        @Test
        void oddCountIsCountedByTwoFromOneLess() {
            gate2(true);
            program(2, 3, 5);

            assertThat(counts2(7)).containsExactly(4, 2, 0, 4, 2, 4, 2);
        }

        @Test
        void newCountIsLoadedAtTheEndOfTheHighHalf() {
            gate2(true);
            program(2, 3, 8);
            advance(2);
            write(2, 4, 0);

            assertThat(out2(10)).isEqualTo("HHLLHHLLHH");
        }

        @Test
        void newCountIsLoadedAtTheEndOfTheLowHalf() {
            gate2(true);
            program(2, 3, 8);
            advance(6);
            write(2, 5, 0);

            assertThat(out2(10)).isEqualTo("LLHHHLLHHH");
        }

        @Test
        void oddCountThatBeginsWithItsLowHalfKeepsItsHalves() {
            gate2(true);
            program(2, 3, 8);
            advance(2);
            write(2, 5, 0);

            assertThat(out2(12)).isEqualTo("HHLLHHHLLHHH");
        }

        @Test
        void lowGateTakesOutHighAndRisingGateReloads() {
            gate2(true);
            program(2, 3, 4);
            advance(3);
            assertThat(pit.out2()).isFalse();
            gate2(false);
            assertThat(out2(4)).isEqualTo("HHHH");
            gate2(true);

            assertThat(out2(6)).isEqualTo("HHLLHH");
        }

        @Test
        void risingGateBeginsWithTheHighHalfAgain() {
            gate2(true);
            program(2, 3, 8);
            advance(2);
            write(2, 4, 0);
            advance(10);
            gate2(false);
            gate2(true);

            assertThat(out2(6)).isEqualTo("HHLLHH");
        }

        @Test
        void nextEventOfAnOddCountIsAfterItsShorterHalf() {
            program(0, 3, 5);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(6));
        }

        @Test
        void nextEventIsTheEndOfTheLowHalf() {
            program(0, 3, 100);
            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(101));
            advance(60);
            write(0, 10, 0);
            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(101));
            advance(41);
            pit.advanceTo(nanoseconds);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(111));
        }

        @Test
        void nextEventFollowsACountLoadedForTheLowHalf() {
            program(0, 3, 100);
            advance(10);
            write(0, 10, 0);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(56));
        }
    }
}
