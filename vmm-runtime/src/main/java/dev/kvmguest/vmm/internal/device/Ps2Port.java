package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import java.util.function.Supplier;

/**
 * One of the two ports of an {@link I8042}, with its interrupt: when the device there sends what its user does. That is
 * not before the guest waits for it; the first byte comes {@value #DELAY} ns after the guest began to wait, and each
 * other as long after the one before was read.
 */
final class Ps2Port implements Persistent<Ps2Port.State> {

    /** The time between bytes of reports, in ns of guest time. */
    static final long DELAY = 1_000_000;

    /** After which the interrupt may come again for a byte that nobody reads, in ns; each next wait is doubled. */
    static final long FIRST_RETRY = 20_000_000;

    /** Some 20 seconds. */
    private static final int MOST_DOUBLINGS = 10;

    private static final long NEVER = TimedDevice.NEVER;

    final Ps2Device device;
    /** The bit of the controller's configuration that has the port interrupt. */
    final int interruptBit;
    /** The bit of the controller's configuration that switches the port off. */
    final int offBit;

    private final IrqLine interrupt;
    private final Supplier<IrqState> irqState;

    /** When the next byte of a report may be read; {@link #NEVER} while the guest doesn't wait for it. */
    private long due = NEVER;

    /** A byte of a report is in the output buffer, under the answer that may hide it. */
    private boolean shown;

    private boolean raised;

    /** When the interrupt may come again for the byte that raised it; {@link #NEVER} if none did. */
    private long retry = NEVER;

    private int retries;

    /**
     * Creates a port.
     *
     * @param device what is plugged in
     * @param interruptBit the bit of the controller's configuration that has the port interrupt
     * @param offBit the bit that switches it off
     * @param interrupt its interrupt request
     * @param irqState what the interrupt controller does with that
     */
    Ps2Port(Ps2Device device, int interruptBit, int offBit, IrqLine interrupt, Supplier<IrqState> irqState) {
        this.device = device;
        this.interruptBit = interruptBit;
        this.offBit = offBit;
        this.interrupt = interrupt;
        this.irqState = irqState;
    }

    boolean isOff(int configuration) {
        return (configuration & offBit) != 0;
    }

    boolean interrupts(int configuration) {
        return (configuration & interruptBit) != 0;
    }

    /** Returns whether the device has something to be read at a time. */
    boolean hasByte(int configuration, long time) {
        return !isOff(configuration) && (device.hasAnswer() || hasReport(time));
    }

    private boolean hasReport(long time) {
        return due != NEVER && time >= due && device.hasReport();
    }

    /** Returns whether the device has something to be read now or at the time at which it sends a report. */
    boolean hasByteInTime(int configuration) {
        return hasByte(configuration, due);
    }

    /** Removes and returns the byte that the device has at a time. */
    int read(long time) {
        if (!device.hasAnswer()) {
            due = time + DELAY;
        }
        return device.send();
    }

    /** Returns when the next byte of a report may be read. */
    long due() {
        return due;
    }

    /** Takes note of whether the byte in the output buffer is this port's. */
    void show(boolean inBuffer, long time) {
        shown = inBuffer && hasReport(time);
    }

    /** Has {@link #due} be what it is to be from {@code time} on. */
    void pace(int configuration, boolean polled, long time) {
        due = nextDue(configuration, polled, time);
    }

    /** Returns whether what {@link #pace} goes by has changed since. */
    boolean isOutOfPace(int configuration, boolean polled) {
        return (nextDue(configuration, polled, 0) == NEVER) != (due == NEVER);
    }

    private long nextDue(int configuration, boolean polled, long time) {
        if (isOff(configuration) || !device.isReporting()) {
            return NEVER;
        }
        IrqState irq = irqState.get();
        if (irq == IrqState.INITIALIZING) {
            return NEVER;
        }
        if (!polled && !(interrupts(configuration) && irq == IrqState.OPEN)) {
            return shown ? due : NEVER;
        }
        return due == NEVER ? time + DELAY : due;
    }

    boolean isRaised() {
        return raised;
    }

    /** Returns whether a byte of a report is in the output buffer, and has raised the interrupt. */
    boolean hasRaisedForReport() {
        return raised && shown && !device.hasAnswer();
    }

    /** Takes note of whether the byte that raised the interrupt still waits to be read. */
    void awaitReading(boolean waits, long time) {
        if (!waits) {
            retry = NEVER;
            retries = 0;
        } else if (retry == NEVER) {
            retry = time + FIRST_RETRY;
        }
    }

    /** Returns when the interrupt may come again; {@link #NEVER} if no byte of a report waits that has raised it. */
    long retry() {
        return retry;
    }

    /** Has the interrupt come no more until a time that is the later the more often this was said. */
    void postponeRetry(long time) {
        retries = Math.min(retries + 1, MOST_DOUBLINGS);
        retry = time + (FIRST_RETRY << retries);
    }

    void setInterrupt(boolean high) {
        raised = high;
        interrupt.set(high);
    }

    @Override
    public State save() {
        return new State(due, shown, raised, retry, retries);
    }

    @Override
    public void restore(State state) {
        due = state.due;
        shown = state.shown;
        raised = state.raised;
        retry = state.retry;
        retries = state.retries;
    }

    /**
     * State of a port.
     *
     * @param due when the next byte of a report may be read
     * @param shown whether one is in the output buffer
     * @param raised whether the interrupt request is high
     * @param retry when it may come again
     * @param retries how often that was postponed
     */
    public record State(long due, boolean shown, boolean raised, long retry, int retries) {}
}
