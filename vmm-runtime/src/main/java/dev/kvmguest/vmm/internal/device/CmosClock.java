package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import java.time.LocalDateTime;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * An MC146818A clock with a PC's 128 bytes of CMOS memory: the index at offset 0, the byte that it selects at offset 1.
 *
 * <p>It runs in guest time from a 32.768 kHz crystal. Other time bases and the factory tests of register A stop it; the
 * square wave and daylight saving are not there, and their bits only read back. Disabling NMI, bit 7 of the index, does
 * nothing.
 *
 * <p>Memory starts with what firmware leaves for kernels: the size of RAM in bytes 0x15 to 0x18, 0x30, 0x31, 0x34,
 * 0x35 and 0x5b to 0x5d, the century in 0x32, the checksum in 0x2e and 0x2f. The rest is 0.
 *
 * <p>Source: Motorola MC146818A data sheet (1984); IBM PC AT Technical Reference (1985), "Real-Time Clock".
 */
public final class CmosClock implements ByteDevice, TimedDevice, Persistent<CmosClock.State> {

    /** The number of ports. */
    public static final int PORTS = 2;

    private static final int INDEX = 0;
    private static final int INDEX_BITS = 0x7f;

    private static final int REGISTER_A = 0x0a;
    private static final int REGISTER_B = 0x0b;
    private static final int REGISTER_C = 0x0c;
    private static final int REGISTER_D = 0x0d;

    private static final int A_UPDATE_IN_PROGRESS = 0x80;
    private static final int A_DIVIDER = 0x70;
    private static final int A_DIVIDER_32768_HZ = 0x20;
    private static final int A_RATE = 0x0f;
    private static final int A_RATE_1024_HZ = 0x06;
    private static final int B_SET = 0x80;
    private static final int B_HOURS_24 = 0x02;
    private static final int C_REQUEST = 0x80;
    /** The flags of register C, and the bits of register B that let each raise the request. */
    private static final int PERIODIC = 0x40;

    private static final int ALARM = 0x20;
    private static final int UPDATE_ENDED = 0x10;
    private static final int D_VALID = 0x80;

    private static final long SECOND = 1_000_000_000;
    /** From UIP going high, 244 us before an update cycle, to the end of its 1984 us. */
    private static final long UPDATE_CYCLE = 244_000 + 1_984_000;
    /** 64 pulses of the crystal. */
    private static final long CRYSTAL_64_PULSES = 1_953_125;

    private final LongSupplier now;
    private final IrqLine irq;
    private final int[] bytes = new int[INDEX_BITS + 1];
    private final CmosTime time = new CmosTime(bytes);
    private int index = REGISTER_D;

    /** Up to when everything that happens by itself has happened, in ns. */
    private long done;
    /** When the divider chain was or would have been 0, in ns: a second ends at each multiple of 1 s since then. */
    private long chainStart;

    private long nextEvent;

    /**
     * Creates a clock at guest time 0.
     *
     * @param now tells the guest time in ns
     * @param irq takes the request
     * @param start date and time at guest time 0
     * @param ram the size of RAM in bytes
     * @throws IllegalArgumentException if the year has more than four digits or {@code ram} is negative
     */
    public CmosClock(LongSupplier now, IrqLine irq, LocalDateTime start, long ram) {
        if (start.getYear() < 0 || start.getYear() > 9999) {
            throw new IllegalArgumentException(
                    "start " + start + " has a year that CMOS can't hold; it must be one of 0 to 9999");
        }
        this.now = now;
        this.irq = irq;
        bytes[REGISTER_A] = A_DIVIDER_32768_HZ | A_RATE_1024_HZ;
        bytes[REGISTER_B] = B_HOURS_24;
        bytes[REGISTER_D] = D_VALID;
        time.set(start);
        chainStart = -start.getNano();
        CmosMemory.describe(bytes, ram);
        findNextEvent();
    }

    @Override
    public int readByte(int offset) {
        if (offset == INDEX) {
            // Nothing drives the bus when the index is read.
            return 0xff;
        }
        catchUp(now.getAsLong());
        int value = bytes[index];
        if (index == REGISTER_A && isUpdateInProgress()) {
            value |= A_UPDATE_IN_PROGRESS;
        } else if (index == REGISTER_C) {
            bytes[REGISTER_C] = 0;
            changed();
        }
        return value;
    }

    @Override
    public void writeByte(int offset, int value) {
        if (offset == INDEX) {
            index = value & INDEX_BITS;
            return;
        }
        catchUp(now.getAsLong());
        switch (index) {
            case REGISTER_A -> writeRegisterA(value & ~A_UPDATE_IN_PROGRESS);
            // SET going high clears the enable of the update-ended interrupt.
            case REGISTER_B -> bytes[index] = isSetting() || (value & B_SET) == 0 ? value : value & ~UPDATE_ENDED;
            case REGISTER_C, REGISTER_D -> {
                // Read-only.
            }
            default -> bytes[index] = value;
        }
        changed();
    }

    /** Returns when the clock next raises its request by itself; while the request is there it raises no other. */
    @Override
    public long nextEvent() {
        return nextEvent;
    }

    @Override
    public void advanceTo(long time) {
        if (time >= nextEvent) {
            catchUp(time);
        }
    }

    private void writeRegisterA(int value) {
        boolean ran = isRunning();
        bytes[REGISTER_A] = value;
        if (!ran && isRunning()) {
            // The first update is half a second after the divider chain is let go.
            chainStart = done - SECOND / 2;
        }
    }

    /** Does what happened until {@code time}. */
    private void catchUp(long time) {
        if (isRunning()) {
            if (rate() != 0 && ticks(time) > ticks(done)) {
                bytes[REGISTER_C] |= PERIODIC;
            }
            long updates = seconds(time) - seconds(done);
            if (updates > 0 && !isSetting()) {
                if (this.time.secondsToAlarm() <= updates) {
                    bytes[REGISTER_C] |= ALARM;
                }
                bytes[REGISTER_C] |= UPDATE_ENDED;
                this.time.count(updates);
            }
        }
        done = time;
        changed();
    }

    /** Drives the request and finds the next event, after anything that may change them. */
    private void changed() {
        boolean requested = (bytes[REGISTER_C] & bytes[REGISTER_B] & (PERIODIC | ALARM | UPDATE_ENDED)) != 0;
        bytes[REGISTER_C] = bytes[REGISTER_C] & ~C_REQUEST | (requested ? C_REQUEST : 0);
        irq.set(requested);
        findNextEvent();
    }

    private void findNextEvent() {
        nextEvent = NEVER;
        if (!isRunning() || (bytes[REGISTER_C] & C_REQUEST) != 0) {
            return;
        }
        int enabled = bytes[REGISTER_B];
        if ((enabled & PERIODIC) != 0 && rate() != 0) {
            nextEvent = afterChainStart(periodicClock().timeOf(ticks(done) + 1));
        }
        if ((enabled & UPDATE_ENDED) != 0 && !isSetting()) {
            nextEvent = Math.min(nextEvent, updateAfter(1));
        }
        if ((enabled & ALARM) != 0 && !isSetting()) {
            long seconds = time.secondsToAlarm();
            nextEvent = Math.min(nextEvent, seconds == CmosTime.NEVER ? NEVER : updateAfter(seconds));
        }
    }

    private long updateAfter(long seconds) {
        long last = seconds(done);
        return last + seconds >= NEVER / SECOND ? NEVER : afterChainStart((last + seconds) * SECOND);
    }

    private long afterChainStart(long duration) {
        return duration >= NEVER - Math.max(0, chainStart) ? NEVER : chainStart + duration;
    }

    private boolean isRunning() {
        return (bytes[REGISTER_A] & A_DIVIDER) == A_DIVIDER_32768_HZ;
    }

    private boolean isSetting() {
        return (bytes[REGISTER_B] & B_SET) != 0;
    }

    private boolean isUpdateInProgress() {
        return isRunning() && !isSetting() && (done - chainStart) % SECOND >= SECOND - UPDATE_CYCLE;
    }

    private int rate() {
        return bytes[REGISTER_A] & A_RATE;
    }

    private long ticks(long time) {
        return periodicClock().pulseAt(time - chainStart);
    }

    /**
     * The divider's taps: rate 3 is 8192 Hz, and each higher one half of that; rates 1 and 2 are the same as 8 and 9.
     */
    private PulseClock periodicClock() {
        int tap = rate() < 3 ? rate() + 7 : rate();
        return new PulseClock(CRYSTAL_64_PULSES << tap - 1, 64);
    }

    private long seconds(long time) {
        return (time - chainStart) / SECOND;
    }

    @Override
    public State save() {
        return new State(IntStream.of(bytes).boxed().toList(), index, done, chainStart);
    }

    @Override
    public void restore(State state) {
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = state.bytes.get(i);
        }
        index = state.index;
        done = state.done;
        chainStart = state.chainStart;
        findNextEvent();
    }

    /**
     * State of the clock.
     *
     * @param bytes its memory, date and time included
     * @param index the byte that is selected
     * @param done up to when everything that happens by itself has happened
     * @param chainStart when the divider chain was or would have been 0
     */
    public record State(List<Integer> bytes, int index, long done, long chainStart) {}
}
