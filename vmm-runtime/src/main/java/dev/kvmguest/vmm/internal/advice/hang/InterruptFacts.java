package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.board.InterruptLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import java.util.ArrayList;
import java.util.List;

/** What the interrupt controllers had, in words. */
final class InterruptFacts {

    private InterruptFacts() {}

    /**
     * Returns a sentence for each line that has something to tell, without a full stop: what is in service
     * first, what is masked last. To a guest that has halted with interrupts off, what is not let through is nothing.
     */
    static List<String> of(HangEvidence evidence) {
        boolean over = evidence.halted() && !evidence.registers().interruptsEnabled();
        List<String> facts = new ArrayList<>();
        for (InterruptLine line : evidence.lines()) {
            if (line.inService()) {
                facts.add(line.name() + " is in service: it has had no EOI");
            }
        }
        for (InterruptLine line : evidence.lines()) {
            if (line.waitsForProcessor()) {
                facts.add(line.name() + " is pending"
                        + (evidence.registers().interruptsEnabled() ? "" : ", and IF is off"));
            } else if (line.pending() && line.state() == IrqState.OPEN) {
                facts.add(line.name() + " is pending, and waits for what is in service");
            }
        }
        if (!over && evidence.anyLine(line -> line.state() == IrqState.INITIALIZING)) {
            facts.add("an 8259A is amid its initialization (ICW2 to ICW4), and lets nothing through");
        }
        for (InterruptLine line : evidence.lines()) {
            if (!over && line.pending() && line.state() == IrqState.MASKED) {
                facts.add(line.name() + " is pending and masked");
            }
        }
        if (!over && evidence.everythingIsMasked()) {
            facts.add("all interrupt requests are masked");
        }
        return facts;
    }
}
