package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clocks whose pulses are no whole number of nanoseconds; that of a PC's timer is the example. */
class PulseClockTests {

    private static final PulseClock CLOCK = Pit8254.CLOCK;

    @Test
    void runsAt1193182Hertz() {
        assertThat(CLOCK.pulseAt(1_000_000_000)).isEqualTo(1_193_181);
        assertThat(CLOCK.pulseAt(11_000_000_000L)).isEqualTo(13_125_000);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 20, 21, 22, 1_193_182, 1L << 40, (1L << 53) + 5})
    void timeOfAPulseIsTheFirstAtWhichItIsThere(long pulse) {
        long time = CLOCK.timeOf(pulse);

        assertThat(CLOCK.pulseAt(time)).isEqualTo(pulse);
        if (pulse > 0) {
            assertThat(CLOCK.pulseAt(time - 1)).isEqualTo(pulse - 1);
        }
    }

    @Test
    void lastTimeOfALongDoesNotOverflow() {
        assertThat(CLOCK.pulseAt(Long.MAX_VALUE)).isEqualTo(11_005_159_816_701_721L);
        assertThat(CLOCK.timeOf(11_005_159_816_701_721L + 100)).isEqualTo(PulseClock.NEVER);
        assertThat(CLOCK.timeOf(Long.MAX_VALUE)).isEqualTo(PulseClock.NEVER);
    }
}
