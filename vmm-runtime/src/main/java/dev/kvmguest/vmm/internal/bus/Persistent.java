package dev.kvmguest.vmm.internal.bus;

/**
 * Something whose state can be saved between two accesses and restored into another of its kind, which then goes on as
 * this one does. What it is connected to, such as its interrupt request line, has a state of its own.
 *
 * @param <S> the state: immutable, with times in guest time, in nanoseconds unless it says otherwise
 */
public interface Persistent<S> {

    /** Returns the state as it is now. */
    S save();

    /** Takes a saved state over in place of its own. That sets no interrupt request line and makes no call. */
    void restore(S state);
}
