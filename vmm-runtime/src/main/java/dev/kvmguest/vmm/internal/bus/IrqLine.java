package dev.kvmguest.vmm.internal.bus;

/** An interrupt request line from a device to the interrupt controller. */
@FunctionalInterface
public interface IrqLine {

    /** Sets the line's level; setting it to the level that it has does nothing. */
    void set(boolean high);
}
