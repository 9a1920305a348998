package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.advice.hang.InterruptContext.Input;
import dev.kvmguest.vmm.internal.board.InterruptLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import java.util.Map;
import java.util.Optional;

/**
 * Recognizes a handler that took an interrupt and did not serve its device. The device goes on asking, so that its line
 * stays high and an edge-triggered controller sees no further request.
 *
 * <p>Silent while the request is pending or in service, and unless the guest waits for an interrupt.
 */
final class UnservedDevice {

    /**
     * How a device is served.
     *
     * @param left what was left undone
     * @param todo what the handler has to do
     */
    private record Service(String left, String todo) {}

    /** By interrupt request line. */
    private static final Map<Integer, Service> SERVICES = Map.of(
            1,
            new Service("a byte waits in port 0x60 and was never read", "read port 0x60 each time, before its IRET"),
            4,
            new Service(
                    "COM1 still has something to tell and was not read",
                    "read port 0x3fa, and port 0x3f8 as long as bit 0 of port 0x3fd is set"),
            8,
            new Service(
                    "register C of the clock was not read",
                    "write 0x0c to port 0x70 and read port 0x71 each time, before its IRET"));

    private UnservedDevice() {}

    /** The guest waits for an interrupt of a device that has had its last one taken, and is still asking. */
    static Optional<String> stillAsks(HangEvidence evidence) {
        return line(evidence).map(line -> {
            Service service = SERVICES.get(line.irq());
            boolean inputLeft = evidence.context().input() == Input.WAITING && line.irq() != 8;
            return service.left + " since " + line.name() + " was taken, so that no further IRQ " + line.irq()
                    + " comes" + (inputLeft ? " and some of the input is not read" : "")
                    + "; have whatever handles that interrupt" + handler(evidence, line) + " " + service.todo;
        });
    }

    /** Returns the line that {@link #stillAsks} is about. */
    static Optional<InterruptLine> line(HangEvidence evidence) {
        return evidence.waitsForInterrupt()
                ? evidence.lines().stream()
                        .filter(line -> SERVICES.containsKey(line.irq())
                                && line.high()
                                && !line.pending()
                                && !line.inService()
                                && line.state() == IrqState.OPEN)
                        .findFirst()
                : Optional.empty();
    }

    private static String handler(HangEvidence evidence, InterruptLine line) {
        return evidence.handler(line)
                .map(found -> " (" + found.name(evidence.image()) + " now)")
                .orElse("");
    }
}
