package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;

/**
 * Recognizes a way from ring 3 to ring 0 without a TSS that names a stack there (Intel SDM volume 3A, 5.8.5 and
 * 7.2.1).
 *
 * <p>Silent in ring 0, and if SS0 of a TSS that the guest has loaded is anything but null: the segment may be wrong in
 * other ways.
 */
final class InnerStackMissing {

    private static final int USER = 3;
    private static final int SS0 = 8;

    private InnerStackMissing() {}

    /** The TSS, from which the processor takes the stack of ring 0, has none. */
    static Optional<String> noTask(Evidence evidence) {
        if (evidence.cpl() != USER || !(isOfInt(evidence) || leadsToRing0(evidence))) {
            return Optional.empty();
        }
        SegmentState task = evidence.registers().segment(SegmentRegister.TR);
        boolean tooShort = task.limit() < SS0 + 1;
        Optional<byte[]> selector = evidence.memory().read(task.base() + SS0, 2);
        // A guest that never loaded TR has what firmware left at address 0 for a TSS.
        boolean atEntry = task.selector() == 0 && task.base() == 0;
        if (!tooShort && !atEntry && (selector.isEmpty() || ((selector.get()[0] & ~USER) | selector.get()[1]) != 0)) {
            return Optional.empty();
        }
        String place = " the TSS at " + hex(task.base());
        String tss = task.selector() == 0
                ? "the guest never loaded TR, and" + place + " that it was entered with names no stack for ring 0"
                : tooShort ? place.trim() + " ends before SS0" : "SS0 in" + place + " is null";
        String way = isOfInt(evidence)
                ? evidence.at().inWords() + " leads from ring 3 to an inner ring"
                : "the handler of " + evidence.first().name() + " is in ring 0, its cause in ring 3";
        return Optional.of(
                way + ", and " + tss + "; set SS0 and ESP0 in a TSS, and load TR with LTR, before entering ring 3");
    }

    /**
     * Returns whether INT n found its gate, and then no stack: what goes wrong there is the instruction's own
     * exception.
     */
    private static boolean isOfInt(Evidence evidence) {
        return Vector.TS.is(evidence.first().vector()) && evidence.at().is(Trait.INTERRUPT);
    }

    private static boolean leadsToRing0(Evidence evidence) {
        int vector = evidence.first().vector();
        return InterruptTable.holds(evidence.registers().idt().limit(), vector)
                && evidence.gate(vector)
                        .filter(gate -> leadsToRing0(evidence, gate))
                        .isPresent();
    }

    private static boolean leadsToRing0(Evidence evidence, SegmentDescriptor gate) {
        return (gate.isInterruptGate() || gate.isTrapGate())
                && gate.isPresent()
                && evidence.descriptor(gate.gateSelector())
                        .filter(code -> code.isCode() && code.isPresent() && !code.isConforming() && code.dpl() == 0)
                        .isPresent();
    }
}
