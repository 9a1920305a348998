package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.board.InterruptLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Recognizes a handler that does not send EOI, so that no further interrupt comes through.
 *
 * <p>Silent unless the line stays in service and something waits for it.
 */
final class MissingEoi {

    private MissingEoi() {}

    /**
     * With interrupts on, what is in service keeps others from coming, itself too. It must stay so: a handler may
     * enable interrupts first, and send its EOI later.
     */
    static Optional<String> inService(HangEvidence evidence) {
        Predicate<InterruptLine> unended =
                line -> line.inService() && evidence.seen().unended().contains(line.irq());
        if (StrayGate.line(evidence).isPresent()) {
            // The handler has not even run.
            return Optional.empty();
        }
        boolean waits = evidence.halted()
                || evidence.looksOnlyAtMemory()
                || evidence.anyLine(line -> line.pending() && line.state() == IrqState.OPEN && !line.accepted());
        boolean blocks = evidence.anyLine(line -> line.state() == IrqState.OPEN && !line.accepted());
        if (!evidence.context().takesInterrupts() || !evidence.anyLine(unended) || !blocks || !waits) {
            return Optional.empty();
        }
        boolean slave = evidence.anyLine(unended.and(line -> line.irq() >= 8));
        return Optional.of(evidence.lineNames(unended)
                + " has had no EOI, so that neither it nor what comes after it is let through; have the handler write"
                + " 0x20 to port 0x20" + (slave ? " and to port 0xa0" : "") + " before its IRET");
    }
}
