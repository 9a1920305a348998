package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.Persistent;

/**
 * A channel of an 8254 as the bus sees it: byte order, latches and status in front of a {@link PitCounter}.
 *
 * <p>Source: Intel 8254 data sheet (1993), "Programming the 8254" and "Read Operations".
 */
final class PitChannel implements Persistent<PitChannel.State> {

    private static final int CONTROL = 0x3f;
    private static final int BCD = 0x01;
    private static final int LSB = 1;
    private static final int MSB = 2;
    private static final int LSB_THEN_MSB = 3;

    private static final int STATUS_OUT = 0x80;
    private static final int STATUS_NULL_COUNT = 0x40;

    private static final int NONE = -1;

    private final PitCounter counter;
    private int control;

    /** The first byte of a count whose second is expected, or {@link #NONE}. */
    private int writtenLsb = NONE;

    private boolean readsMsb;
    private int latchedCount;
    /** How many bytes of the latched count are still to be read; 0 if none is latched. */
    private int latchedBytes;

    private int latchedStatus = NONE;

    /**
     * Creates a channel.
     *
     * @param gate whether the gate is high
     * @param control bits 5 to 0 of the control word that it is programmed with at pulse 0
     */
    PitChannel(boolean gate, int control) {
        counter = new PitCounter(gate);
        writeControl(control, 0);
    }

    PitCounter counter() {
        return counter;
    }

    /** Takes a control word, whose bits 7 and 6 chose the channel; with access bits 00 it latches the count. */
    void writeControl(int value, long now) {
        if (access(value) == 0) {
            latchCount(now);
            return;
        }
        control = value & CONTROL;
        writtenLsb = NONE;
        readsMsb = false;
        latchedBytes = 0;
        latchedStatus = NONE;
        counter.program(mode(), isBcd() ? 10_000 : 0x1_0000, now);
    }

    /** Takes a byte of a count. */
    void write(int value, long now) {
        switch (access(control)) {
            case LSB -> load(value, now);
            case MSB -> load(value << 8, now);
            default -> {
                if (writtenLsb == NONE) {
                    writtenLsb = value;
                    counter.expectSecondByte(now);
                } else {
                    int written = value << 8 | writtenLsb;
                    writtenLsb = NONE;
                    load(written, now);
                }
            }
        }
    }

    /** Reads the latched status, else the latched count, else the count. */
    int read(long now) {
        if (latchedStatus != NONE) {
            int status = latchedStatus;
            latchedStatus = NONE;
            return status;
        }
        if (latchedBytes > 0) {
            latchedBytes--;
            boolean msb = access(control) == MSB || access(control) == LSB_THEN_MSB && latchedBytes == 0;
            return part(latchedCount, msb);
        }
        boolean msb = access(control) == MSB || readsMsb;
        readsMsb = access(control) == LSB_THEN_MSB && !readsMsb;
        return part(count(now), msb);
    }

    /** Latches the count, unless one is latched that was not read yet. */
    void latchCount(long now) {
        if (latchedBytes == 0) {
            latchedCount = count(now);
            latchedBytes = access(control) == LSB_THEN_MSB ? 2 : 1;
        }
    }

    /** Latches the status, unless one is latched that was not read yet. */
    void latchStatus(long now) {
        if (latchedStatus == NONE) {
            latchedStatus =
                    control | (counter.out(now) ? STATUS_OUT : 0) | (counter.isNullCount(now) ? STATUS_NULL_COUNT : 0);
        }
    }

    private void load(int written, long now) {
        int count = isBcd() ? fromBcd(written) : written;
        counter.load(count != 0 ? count : isBcd() ? 10_000 : 0x1_0000, now);
    }

    private int count(long now) {
        int value = counter.value(now);
        return isBcd() ? toBcd(value) : value;
    }

    /** Modes 6 and 7 are 2 and 3: their third bit does not count. */
    private int mode() {
        int mode = control >> 1 & 7;
        return mode > 5 ? mode - 4 : mode;
    }

    private boolean isBcd() {
        return (control & BCD) != 0;
    }

    private static int access(int control) {
        return control >> 4 & 3;
    }

    private static int part(int count, boolean msb) {
        return msb ? count >> 8 : count & 0xff;
    }

    private static int fromBcd(int digits) {
        return (digits >> 12) * 1000 + (digits >> 8 & 0xf) * 100 + (digits >> 4 & 0xf) * 10 + (digits & 0xf);
    }

    private static int toBcd(int value) {
        return value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
    }

    @Override
    public State save() {
        return new State(counter.save(), control, writtenLsb, readsMsb, latchedCount, latchedBytes, latchedStatus);
    }

    @Override
    public void restore(State state) {
        counter.restore(state.counter);
        control = state.control;
        writtenLsb = state.writtenLsb;
        readsMsb = state.readsMsb;
        latchedCount = state.latchedCount;
        latchedBytes = state.latchedBytes;
        latchedStatus = state.latchedStatus;
    }

    /** State of a channel. */
    record State(
            PitCounter.State counter,
            int control,
            int writtenLsb,
            boolean readsMsb,
            int latchedCount,
            int latchedBytes,
            int latchedStatus) {}
}
