package dev.kvmguest.vmm.internal.board;

import dev.kvmguest.vmm.internal.bus.IrqState;
import java.util.Optional;

/**
 * What the interrupt controllers have of an interrupt request line.
 *
 * @param irq 0 to 15
 * @param device what is at the line, such as {@code timer}; empty if nothing is
 * @param pending whether an interrupt is requested, masked or not
 * @param inService whether an interrupt was taken and has had no EOI since
 * @param state what the controllers do with requests, whatever is in service
 * @param accepted whether a request reaches the processor: it is not masked, and nothing in service is in its way
 * @param vector the vector of its interrupts, 0 to 255
 * @param masked whether its own mask bit is set
 * @param high whether its device asks for an interrupt now, pending or not
 * @param active whether its device will ask for one by itself, or when something is typed
 */
public record InterruptLine(
        int irq,
        Optional<String> device,
        boolean pending,
        boolean inService,
        IrqState state,
        boolean accepted,
        int vector,
        boolean masked,
        boolean high,
        boolean active) {

    /** Returns the line as sentences name it, such as {@code IRQ 0 (timer)}. */
    public String name() {
        return "IRQ " + irq + device.map(name -> " (" + name + ")").orElse("");
    }

    /** Returns whether an interrupt waits for nothing but the processor. */
    public boolean waitsForProcessor() {
        return pending && accepted;
    }
}
