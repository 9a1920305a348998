package dev.kvmguest.vmm.internal.bus;

/** What is between the interrupt request lines of devices and a processor. Not safe for several threads. */
public interface InterruptController {

    /** Returns the number of request lines, which are numbered from 0. */
    int lines();

    /**
     * Returns the input of an interrupt request line.
     *
     * @throws IllegalArgumentException if there is no such line for a device
     */
    IrqLine line(int irq);

    /** Returns whether an interrupt waits for the processor. */
    boolean interruptRequested();

    /** Has the processor take the interrupt that waits, and returns its vector, 0 to 255. */
    int acknowledge();

    /** Returns whether a request of {@code irq}, if it came now, would reach the processor. */
    boolean accepts(int irq);

    /** Returns what the controller does with requests of {@code irq}, whatever is in service now. */
    IrqState state(int irq);

    /** Returns whether {@code irq} requests an interrupt, masked or not. */
    boolean isRequested(int irq);

    /** Returns whether an interrupt of {@code irq} was taken and has had no EOI since. */
    boolean isInService(int irq);

    /** Returns the vector, 0 to 255, that an interrupt of {@code irq} has. */
    int vector(int irq);

    /** Returns whether the mask bit of {@code irq} itself is set, whatever else keeps its requests back. */
    boolean isMasked(int irq);

    /** Returns whether the device at {@code irq} asks for an interrupt now: the level of the line. */
    boolean isHigh(int irq);

    /** Returns whether all lines come through, as far as controllers have to know of each other. */
    boolean isCascaded();

    /** Returns whether the guest has written to the controller. */
    boolean wasProgrammed();
}
