package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The 8254 at its start, and the interrupts of its channel 0. */
class Pit8254Tests extends Pit8254Fixture {

    @Nested
    class StateAtStart {

        @Test
        void channel0RisesEvery65536Pulses() {
            long first = pit.nextEvent();
            pit.advanceTo(first);
            long second = pit.nextEvent();

            assertThat(first).isEqualTo(CLOCK.timeOf(65_537));
            assertThat(second).isEqualTo(CLOCK.timeOf(131_073));
        }

        @Test
        void channel0IsInMode3WithTwoByteCounts() {
            advance(1);

            assertThat(status(0)).isEqualTo(STATUS_OUT | BOTH | 3 << 1);
        }

        @Test
        void channel1CountsFor15MicrosecondsAndChannel2Waits() {
            advance(1);

            assertThat(status(1)).isEqualTo(STATUS_OUT | LSB | 2 << 1);
            assertThat(pit.readByte(1)).isEqualTo(18);
            assertThat(status(2)).isEqualTo(STATUS_OUT | STATUS_NULL_COUNT | BOTH | 3 << 1);
        }

        @Test
        void lineIsLeftAloneUntilTheFirstRise() {
            pit.advanceTo(pit.nextEvent() - 1);

            assertThat(irq).isEmpty();
        }

        @Test
        void controlPortReadsAsNothing() {
            assertThat(pit.readByte(CONTROL)).isEqualTo(0xff);
        }
    }

    @Nested
    class Interrupts {

        @Test
        void riseOfChannel0IsAnEdge() {
            nanoseconds = pit.nextEvent();
            pit.advanceTo(nanoseconds);

            assertThat(irq).containsExactly(false, true);
        }

        @Test
        void manyPeriodsAtOnceAreOneEdge() {
            program(0, 2, 1193);
            irq.clear();
            advance(1_193_000);
            pit.advanceTo(nanoseconds);

            assertThat(irq).containsExactly(false, true);
            assertThat(pit.nextEvent()).isGreaterThan(nanoseconds).isLessThanOrEqualTo(CLOCK.timeOf(pulse() + 1193));
        }

        @Test
        void periodsKeepTheirPaceForHours() {
            program(0, 2, 11_932);
            long first = CLOCK.pulseAt(pit.nextEvent());
            int edges = 0;
            while (pit.nextEvent() < 3 * 3_600_000_000_000L) {
                pit.advanceTo(pit.nextEvent());
                edges++;
            }

            assertThat(CLOCK.pulseAt(pit.nextEvent())).isEqualTo(first + 11_932L * edges);
            // 3 h of 1,193,181.8 pulses a second, by 11,932.
            assertThat(edges).isEqualTo(1_079_983);
        }

        @Test
        void mode0RaisesOnceAndGoesLowWithTheNextCount() {
            program(0, 0, 100);
            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(pulse() + 101));
            irq.clear();
            nanoseconds = pit.nextEvent();
            pit.advanceTo(nanoseconds);
            assertThat(irq).containsExactly(false, true);
            assertThat(pit.nextEvent()).isEqualTo(Pit8254.NEVER);

            irq.clear();
            write(0, 100, 0);

            assertThat(irq).isNotEmpty().doesNotContain(true);
            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(pulse() + 101));
        }

        @Test
        void mode0TakesBackATickThatNobodyTook() {
            nanoseconds = pit.nextEvent();
            pit.advanceTo(nanoseconds);
            advance(40_000);
            irq.clear();

            control(0, BOTH);

            assertThat(irq).isNotEmpty().doesNotContain(true);
        }

        @Test
        void controlWordThatTakesOutHighIsAnEdge() {
            program(0, 0, 100);
            irq.clear();

            control(0, BOTH | 2 << 1);

            assertThat(irq).containsExactly(false, true);
        }

        @Test
        void controlWordThatLeavesOutHighIsNone() {
            control(0, BOTH | 2 << 1);

            assertThat(irq).isEmpty();
            assertThat(pit.nextEvent()).isEqualTo(Pit8254.NEVER);
        }

        @Test
        void riseThatIsDueWhenTheGuestProgramsTheChannelIsNotLost() {
            advance(70_000);
            control(0, BOTH | 2 << 1);

            assertThat(irq).containsExactly(false, true);
        }

        @Test
        void readingTheCountLeavesTheLineAlone() {
            nanoseconds = pit.nextEvent();
            pit.advanceTo(nanoseconds);
            irq.clear();
            advance(40_000);
            latched(0);
            status(0);

            assertThat(irq).isEmpty();
        }

        @Test
        void otherChannelsRaiseNothing() {
            long rise = pit.nextEvent();
            program(1, 2, 10);
            program(2, 2, 10);
            gate2(true);

            assertThat(pit.nextEvent()).isEqualTo(rise);
        }

        @Test
        void counterThatItsGateStoppedNeverRises() {
            PitCounter counter = new PitCounter(false);
            counter.program(0, 0x1_0000, 0);
            counter.load(100, 0);
            assertThat(counter.nextRise(1)).isEqualTo(PulseClock.NEVER);

            counter.gate(true, 2);

            assertThat(counter.nextRise(2)).isEqualTo(102);
        }

        @Test
        void mode1WaitsForEverForATriggerOfChannel0() {
            program(0, 1, 100);

            assertThat(pit.nextEvent()).isEqualTo(Pit8254.NEVER);
        }

        @Test
        void mode4RaisesAfterItsStrobe() {
            program(0, 4, 100);

            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(pulse() + 102));
        }

        @ParameterizedTest
        @ValueSource(ints = {2, 3})
        void countOfOneNeverRises(int mode) {
            program(0, mode, 1);

            assertThat(pit.nextEvent()).isEqualTo(Pit8254.NEVER);
        }

        @ParameterizedTest
        @CsvSource({"2, 110", "3, 105"})
        void countAfterTheForbiddenOneRises(int mode, int pulses) {
            program(0, mode, 1);
            advance(99);
            write(0, 10, 0);

            // The period of one pulse ends with pulse 100.
            assertThat(pit.nextEvent()).isEqualTo(CLOCK.timeOf(pulses));
        }
    }
}
