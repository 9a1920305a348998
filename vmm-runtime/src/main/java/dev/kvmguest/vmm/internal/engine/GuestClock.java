package dev.kvmguest.vmm.internal.engine;

/**
 * The time that a guest lives in. It is the host's where the engine is as fast as the host; an engine that is slower
 * has a {@link VirtualClock}.
 */
public interface GuestClock {

    /** The time of an alarm that is not set. */
    long NEVER = Long.MAX_VALUE;

    /** Returns the guest's time, in nanoseconds since it started. */
    long time();

    /**
     * Makes {@link VirtualCpu#run} return {@link VmExit.Interrupted} when guest time reaches {@code time}, or soon
     * after; {@link #NEVER} takes the alarm back. It stays set.
     */
    void setAlarm(long time);
}
