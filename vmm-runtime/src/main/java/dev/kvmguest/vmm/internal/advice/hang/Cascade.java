package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.board.InterruptLine;
import java.util.Optional;

/**
 * Recognizes two 8259A that were not told of each other by ICW3: what comes from the slave, or from the line at which
 * the master believes it, has another vector than its own.
 *
 * <p>Silent unless the guest has opened a line of the slave that has a handler and is active, or such a wrong vector's
 * line is in service.
 */
final class Cascade {

    private static final int FIRST_OF_SLAVE = 8;

    private Cascade() {}

    /** ICW3 of one of them is wrong, and an interrupt depends on it. */
    static Optional<String> miscounted(HangEvidence evidence) {
        if (evidence.context().cascaded() || !evidence.waitsForInterrupt()) {
            return Optional.empty();
        }
        return evidence.lines().stream()
                .filter(line -> line.irq() >= FIRST_OF_SLAVE
                        && !line.masked()
                        && (line.active() || line.pending() || line.high())
                        && evidence.handler(line).isPresent())
                .map(InterruptLine::name)
                .findFirst()
                .map(name -> "ICW3 does not tell both 8259A that the slave is at input 2 of the master, so that " + name
                        + " does not come at its vector; in the initialization, write 4 (a bit for each input) to port"
                        + " 0x21 as ICW3 and 2 (the input's number) to port 0xa1");
    }
}
