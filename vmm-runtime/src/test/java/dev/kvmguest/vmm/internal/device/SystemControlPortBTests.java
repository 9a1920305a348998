package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** System control port B, with the timer's channel 2 behind it. */
class SystemControlPortBTests extends Pit8254Fixture {

    @Test
    void measuresADelay() {
        // What many kernels calibrate with: 10 ms in mode 0 of channel 2, waiting for bit 5.
        gate2(false);
        program(2, 0, 11_932);
        gate2(true);
        long start = nanoseconds;
        while ((portB.readByte(0) & 0x20) == 0) {
            nanoseconds += 1000;
        }

        assertThat(nanoseconds - start).isBetween(9_999_000L, 10_002_000L);
    }

    @Test
    void writableBitsReadBack() {
        advance(1);
        program(2, 0, 100);
        portB.writeByte(0, 0xff);

        assertThat(portB.readByte(0)).isEqualTo(0x0f);
    }

    @Test
    void refreshBitChangesEvery15Microseconds() {
        int changes = 0;
        int last = portB.readByte(0) & 0x10;
        for (int i = 0; i < 1000; i++) {
            nanoseconds += 1000;
            int bit = portB.readByte(0) & 0x10;
            if (bit != last) {
                changes++;
                last = bit;
            }
        }

        assertThat(changes).isEqualTo(66);
    }

    @Test
    void writingTheSameGateAgainIsNoTrigger() {
        program(2, 1, 3);
        gate2(true);
        advance(2);
        portB.writeByte(0, 0x03);

        assertThat(out2(3)).isEqualTo("LHH");
    }
}
