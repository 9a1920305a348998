package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * An 8254 interval timer with a PC's clock of 1,193,182 Hz: channels 0 to 2 at offsets 0 to 2, control words at offset
 * 3. Channel 0 drives IRQ 0, channel 2 has the gate and the output that {@link SystemControlPortB} shows.
 *
 * <p>It starts as a PC's firmware leaves it: channel 0 in mode 3 with a count of 65,536 since time 0, which is 18.2 Hz;
 * channel 1 in mode 2 with a count of 18 for the refresh of memory; channel 2 in mode 3 without a count.
 *
 * <p>Each rise of channel 0's output is an edge of its line. The line then stays high until the output has to rise
 * again, or a control word takes it low, so that a tick isn't lost to a processor that comes late. A line that is
 * behind by several periods gets one edge.
 *
 * <p>A count of 1 in modes 2 and 3, which the data sheet forbids, leaves OUT high.
 *
 * <p>Source: Intel 8254 data sheet (1993); IBM PC AT Technical Reference (1985), "System Timers".
 */
public final class Pit8254 implements ByteDevice, TimedDevice, Persistent<Pit8254.State> {

    /** The number of ports. */
    public static final int PORTS = 4;

    /** A twelfth of 14.31818 MHz, which is four times the colour carrier of NTSC, 315/88 MHz. */
    static final PulseClock CLOCK = new PulseClock(17_600, 21);

    private static final int CONTROL = 3;
    private static final int READ_BACK = 3;
    private static final int READ_BACK_NO_COUNT = 0x20;
    private static final int READ_BACK_NO_STATUS = 0x10;

    private static final int MODE_2_LSB = 0x14;
    private static final int MODE_3_LSB_THEN_MSB = 0x36;
    private static final int REFRESH_COUNT = 18;

    private final LongSupplier now;
    private final IrqLine irq;
    private final PitChannel[] channels = {
        new PitChannel(true, MODE_3_LSB_THEN_MSB),
        new PitChannel(true, MODE_2_LSB),
        new PitChannel(false, MODE_3_LSB_THEN_MSB)
    };
    /** When channel 0's output rises next, in ns. */
    private long rise;

    /**
     * Creates a timer at time 0.
     *
     * @param now tells the guest time in ns
     * @param irq takes the output of channel 0
     */
    public Pit8254(LongSupplier now, IrqLine irq) {
        this.now = now;
        this.irq = irq;
        channels[0].write(0, 0);
        channels[0].write(0, 0);
        channels[1].write(REFRESH_COUNT, 0);
        findRise(0);
    }

    @Override
    public int readByte(int offset) {
        // Nothing drives the bus when the control word is read.
        return offset == CONTROL ? 0xff : channels[offset].read(pulses());
    }

    @Override
    public void writeByte(int offset, int value) {
        advanceTo(now.getAsLong());
        PitCounter timer = channels[0].counter();
        long pulses = pulses();
        boolean wasHigh = timer.out(pulses);
        if (offset == CONTROL) {
            writeControl(value, pulses);
        } else {
            channels[offset].write(value, pulses);
        }
        boolean high = timer.out(pulses);
        if (high && !wasHigh) {
            raise();
        } else if (!high && !timer.isPeriodic()) {
            irq.set(false);
        }
        findRise(pulses);
    }

    /** Sets the gate of channel 2. */
    public void setGate2(boolean high) {
        channels[2].counter().gate(high, pulses());
    }

    /** Returns the output of channel 2. */
    public boolean out2() {
        return channels[2].counter().out(pulses());
    }

    /** Returns when the output of channel 0 rises next. */
    @Override
    public long nextEvent() {
        return rise;
    }

    @Override
    public void advanceTo(long time) {
        if (time >= rise) {
            raise();
            findRise(CLOCK.pulseAt(time));
        }
    }

    private void raise() {
        irq.set(false);
        irq.set(true);
    }

    private void writeControl(int value, long pulses) {
        int selected = value >> 6;
        if (selected != READ_BACK) {
            channels[selected].writeControl(value, pulses);
            return;
        }
        for (int i = 0; i < channels.length; i++) {
            if ((value >> i + 1 & 1) != 0) {
                if ((value & READ_BACK_NO_COUNT) == 0) {
                    channels[i].latchCount(pulses);
                }
                if ((value & READ_BACK_NO_STATUS) == 0) {
                    channels[i].latchStatus(pulses);
                }
            }
        }
    }

    private void findRise(long pulses) {
        rise = CLOCK.timeOf(channels[0].counter().nextRise(pulses));
    }

    private long pulses() {
        return CLOCK.pulseAt(now.getAsLong());
    }

    @Override
    public State save() {
        return new State(Stream.of(channels).map(PitChannel::save).toList(), rise);
    }

    @Override
    public void restore(State state) {
        for (int i = 0; i < channels.length; i++) {
            channels[i].restore(state.channels.get(i));
        }
        rise = state.rise;
    }

    /** State of the timer; {@code rise} is when channel 0's output rises next. */
    public record State(List<PitChannel.State> channels, long rise) {}
}
