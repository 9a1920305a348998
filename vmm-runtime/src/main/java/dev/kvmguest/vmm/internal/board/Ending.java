package dev.kvmguest.vmm.internal.board;

/** How a guest ended its run through a device. */
public sealed interface Ending {

    /** A value written to the debug-exit port. */
    record DebugExit(int value) implements Ending {}

    /** The exit call of the hypercall port. */
    record HypercallExit() implements Ending {}

    /**
     * A device reset the machine.
     *
     * @param cause which device and why, in words
     */
    record Reset(String cause) implements Ending {}
}
