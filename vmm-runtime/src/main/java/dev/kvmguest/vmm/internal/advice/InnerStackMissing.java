package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.x86.LongModeTask;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;

/**
 * Recognizes a way from ring 3 to ring 0 without a TSS that names a stack there (Intel SDM volume 3A, 5.8.5, 6.14.2 and
 * 7.2.1).
 *
 * <p>Silent in ring 0, and if a TSS that the guest has loaded names any stack: SS0 that isn't null or, in long mode,
 * RSP0 that isn't 0. They may be wrong in other ways.
 */
final class InnerStackMissing {

    private static final int USER = 3;
    private static final int SS0 = 8;
    private static final int RSP0 = LongModeTask.innerStack(0);

    private InnerStackMissing() {}

    /** The TSS, from which the processor takes the stack of ring 0, has none. */
    static Optional<String> noTask(Evidence evidence) {
        if (evidence.cpl() != USER || !(isOfInt(evidence) || leadsToRing0(evidence))) {
            return Optional.empty();
        }
        return (evidence.registers().longMode() ? inLongMode(evidence) : inProtectedMode(evidence))
                .map(tss -> way(evidence) + ", and " + tss + ", and load TR with LTR, before entering ring 3");
    }

    private static Optional<String> inProtectedMode(Evidence evidence) {
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
        return Optional.of(tss + "; set SS0 and ESP0 in a TSS");
    }

    private static Optional<String> inLongMode(Evidence evidence) {
        SegmentState task = evidence.registers().segment(SegmentRegister.TR);
        String place = "the TSS at " + hex(task.base());
        String remedy = "; set RSP0, at offset 4 of a 64-bit TSS";
        if (task.selector() == 0) {
            return Optional.of(
                    "the guest never loaded TR, so that there is no TSS that names a stack for ring 0" + remedy);
        }
        if (task.limit() < RSP0 + Long.BYTES - 1) {
            return Optional.of(place + " ends before RSP0" + remedy);
        }
        return InterruptStack.upperHalfLost(evidence)
                .or(() -> evidence.memory().readLong(task.base() + RSP0).stream()
                        .filter(pointer -> pointer == 0)
                        .mapToObj(pointer -> "RSP0 in " + place + " is 0")
                        .findFirst())
                .map(what -> what + remedy);
    }

    private static String way(Evidence evidence) {
        return evidence.at().is(Trait.INTERRUPT)
                ? evidence.at().inWords() + " leads from ring 3 to an inner ring"
                : "the handler of " + evidence.first().name() + " is in ring 0, its cause in ring 3";
    }

    /**
     * Returns whether INT n found its gate, and then no stack: what goes wrong there is the instruction's own
     * exception.
     */
    private static boolean isOfInt(Evidence evidence) {
        int vector = evidence.first().vector();
        boolean ofStack = Vector.TS.is(vector)
                || evidence.registers().longMode() && (Vector.PF.is(vector) || Vector.SS.is(vector));
        return ofStack && evidence.at().is(Trait.INTERRUPT);
    }

    private static boolean leadsToRing0(Evidence evidence) {
        int vector = evidence.first().vector();
        return InterruptGate.isWithinLimit(evidence.registers(), vector)
                && evidence.gate(vector)
                        .filter(gate -> leadsToRing0(evidence, gate))
                        .isPresent();
    }

    private static boolean leadsToRing0(Evidence evidence, InterruptGate gate) {
        return gate.leadsToHandler()
                && gate.interruptStack() == 0
                && evidence.descriptor(gate.selector())
                        .filter(code -> code.isCode() && code.isPresent() && !code.isConforming() && code.dpl() == 0)
                        .isPresent();
    }
}
