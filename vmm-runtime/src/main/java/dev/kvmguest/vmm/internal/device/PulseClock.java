package dev.kvmguest.vmm.internal.device;

/**
 * A clock whose pulses are a whole number of nanoseconds only many at a time, so that no rounding adds up. Times are in
 * ns since pulse 0, from 0 on.
 *
 * @param nanoseconds how long {@code pulses} pulses take
 * @param pulses how many pulses that are
 */
record PulseClock(long nanoseconds, long pulses) {

    /** No pulse, and no time. */
    static final long NEVER = Long.MAX_VALUE;

    /** Returns the last pulse that was not after {@code time}. */
    long pulseAt(long time) {
        // Whole multiples first: the product of a time and a number of pulses may overflow.
        return time / nanoseconds * pulses + time % nanoseconds * pulses / nanoseconds;
    }

    /** Returns the first time that is not before {@code pulse}, or {@link #NEVER} if it is past what a long holds. */
    long timeOf(long pulse) {
        if (pulse / pulses >= Long.MAX_VALUE / nanoseconds) {
            return NEVER;
        }
        return pulse / pulses * nanoseconds + (pulse % pulses * nanoseconds + pulses - 1) / pulses;
    }
}
