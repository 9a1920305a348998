package dev.kvmguest.vmm.internal.bus;

/**
 * A device that does something by itself as time goes by, such as a timer that raises its interrupt.
 *
 * <p>Times are the guest's, in nanoseconds since it started: counted instructions on the emulator, the host's clock on
 * KVM.
 */
public interface TimedDevice {

    /** No event is to come. */
    long NEVER = Long.MAX_VALUE;

    /**
     * Returns when the device next does something of its own accord, such as changing an interrupt line;
     * {@link #NEVER} if it won't until the guest or its user does something.
     */
    long nextEvent();

    /** Does what is due at {@code now}, which is never before an earlier call's. */
    void advanceTo(long now);

    /** Returns whether something that is typed now would raise the device's interrupt. */
    default boolean mayReceive() {
        return false;
    }
}
