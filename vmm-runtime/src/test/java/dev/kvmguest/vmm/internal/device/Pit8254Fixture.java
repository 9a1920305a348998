package dev.kvmguest.vmm.internal.device;

import java.util.ArrayList;
import java.util.List;

/** An 8254 as a guest reaches it; times are pulses of its clock. */
abstract class Pit8254Fixture {

    static final PulseClock CLOCK = Pit8254.CLOCK;
    static final int CONTROL = 3;
    static final int LATCH = 0x00;
    static final int LSB = 0x10;
    static final int MSB = 0x20;
    static final int BOTH = 0x30;
    static final int BCD = 0x01;
    static final int STATUS_OUT = 0x80;
    static final int STATUS_NULL_COUNT = 0x40;
    static final int READ_BACK_STATUS = 0xe0;
    static final int READ_BACK_COUNT = 0xd0;
    static final int READ_BACK_BOTH = 0xc0;

    long nanoseconds;
    final List<Boolean> irq = new ArrayList<>();
    final Pit8254 pit = new Pit8254(() -> nanoseconds, irq::add);
    final SystemControlPortB portB = new SystemControlPortB(pit, () -> nanoseconds);

    long pulse() {
        return CLOCK.pulseAt(nanoseconds);
    }

    void advance(long pulses) {
        nanoseconds = CLOCK.timeOf(pulse() + pulses);
    }

    void control(int channel, int value) {
        pit.writeByte(CONTROL, channel << 6 | value);
    }

    void write(int channel, int... bytes) {
        for (int octet : bytes) {
            pit.writeByte(channel, octet);
        }
    }

    /** Programs a channel for a count in two bytes, binary. */
    void program(int channel, int mode, int count) {
        control(channel, BOTH | mode << 1);
        write(channel, count & 0xff, count >> 8);
    }

    int latched(int channel) {
        control(channel, LATCH);
        return pit.readByte(channel) | pit.readByte(channel) << 8;
    }

    int status(int channel) {
        pit.writeByte(CONTROL, READ_BACK_STATUS | 2 << channel);
        return pit.readByte(channel);
    }

    void gate2(boolean high) {
        portB.writeByte(0, high ? 0x01 : 0x00);
    }

    /** Records OUT of channel 2 after each of so many pulses, H and L. */
    String out2(int pulses) {
        StringBuilder levels = new StringBuilder();
        for (int i = 0; i < pulses; i++) {
            advance(1);
            levels.append(pit.out2() ? 'H' : 'L');
        }
        return levels.toString();
    }

    List<Integer> counts2(int pulses) {
        List<Integer> counts = new ArrayList<>();
        for (int i = 0; i < pulses; i++) {
            advance(1);
            counts.add(latched(2));
        }
        return counts;
    }
}
