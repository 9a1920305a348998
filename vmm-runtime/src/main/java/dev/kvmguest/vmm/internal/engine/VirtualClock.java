package dev.kvmguest.vmm.internal.engine;

/**
 * A guest clock of the engine's own, which is the same in every run. It passes with the instructions and port
 * accesses executed, and stands still while the vCPU doesn't run.
 */
public interface VirtualClock extends GuestClock {

    /** Lets guest time pass, in nanoseconds, while the vCPU is halted. */
    void advance(long nanos);
}
