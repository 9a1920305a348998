package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.LongModeTask;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;

/**
 * Recognizes a gate of long mode whose stack of the interrupt stack table (IST) can't be used, and a handler of #DF
 * that has none though the stack is what the exception before it died of (Intel SDM volume 3A, 6.14.5 and 7.7).
 *
 * <p>Silent about the first unless the TSS has no usable address there, and about the second unless the stack that #DF
 * would use can't be written and its gate leads to code.
 */
final class InterruptStack {

    private static final long HIGH_HALF = 0xffff_ffff_0000_0000L;
    /** What a handler's entry pushes at least: SS, RSP, RFLAGS, CS, RIP. */
    private static final int FRAME = 5 * Long.BYTES;
    /** Frames begin at a multiple of this. */
    private static final long ALIGNMENT = -16;

    private InterruptStack() {}

    /** A gate asks for a stack that the TSS doesn't have. */
    static Optional<String> unusable(Evidence evidence) {
        if (!evidence.registers().longMode()) {
            return Optional.empty();
        }
        return Gates.vectors(evidence).stream()
                .filter(vector -> Gates.isThere(evidence, vector))
                .flatMap(vector -> evidence
                        .gate(vector)
                        .filter(gate -> gate.interruptStack() != 0 && gate.leadsToHandler())
                        .flatMap(gate -> lacking(evidence, gate.interruptStack())
                                .map(what -> asks(vector, gate) + ", and " + what))
                        .stream())
                .findFirst();
    }

    private static String asks(int vector, InterruptGate gate) {
        return "IDT[" + vector + "], the gate of " + Fault.Event.name(vector) + ", asks for stack "
                + gate.interruptStack() + " of the TSS's interrupt stack table (IST)";
    }

    private static Optional<String> lacking(Evidence evidence, int number) {
        SegmentState task = evidence.registers().segment(SegmentRegister.TR);
        long offset = LongModeTask.interruptStack(number);
        String name = "IST " + number + " in the TSS at " + hex(task.base());
        String remedy = "; put the end of a stack into the TSS at offset " + hex(offset);
        if (task.selector() == 0) {
            return Optional.of("the guest never loaded TR" + remedy + ", and load TR with LTR");
        }
        if (task.limit() < offset + Long.BYTES - 1) {
            return Optional.of("the TSS at " + hex(task.base()) + " ends before it, at " + hex(task.limit())
                    + "; give its descriptor the limit 0x67" + remedy.replace(";", ", and"));
        }
        Optional<String> lost = upperHalfLost(evidence);
        if (lost.isPresent()) {
            return lost;
        }
        return evidence.memory().readLong(task.base() + offset).stream()
                .mapToObj(
                        pointer -> unusable(evidence, pointer).map(why -> name + " is " + hex(pointer) + why + remedy))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<String> unusable(Evidence evidence, long pointer) {
        if (pointer == 0) {
            return Optional.of("");
        }
        if (!AddressPolicy.isCanonical(pointer)) {
            return Optional.of(", which is not canonical");
        }
        return takesFrame(evidence, pointer)
                ? Optional.empty()
                : Optional.of(
                        evidence.memory().isMapped(pointer - 1)
                                ? ", where no RAM is"
                                : ", below which no page is mapped");
    }

    /**
     * Returns that TR's base is the lower half of the address of what the linker put there, and isn't mapped: a
     * descriptor of eight bytes has no more of it.
     */
    static Optional<String> upperHalfLost(Evidence evidence) {
        SegmentState task = evidence.registers().segment(SegmentRegister.TR);
        long meant = task.base() | HIGH_HALF;
        boolean lost = task.base() >>> Integer.SIZE == 0
                && !evidence.memory().isRam(task.base())
                && evidence.image().loadedAt(meant).isPresent();
        return lost
                ? Optional.of("TR's base is " + hex(task.base()) + ", where no RAM is, the lower half of " + hex(meant)
                        + evidence.symbol(meant)
                        + ": bits 63 to 32 of a TSS's address belong into the entry after its own in the GDT")
                : Optional.empty();
    }

    /** #DF has a handler, which can't be entered on the stack that was full already. */
    static Optional<String> missingForDoubleFault(Evidence evidence) {
        List<Fault.Event> chain = evidence.fault().chain();
        int doubleFault = Vector.DF.number();
        boolean died = evidence.registers().longMode()
                && chain.size() > 1
                && Vector.DF.is(chain.get(chain.size() - 1).vector())
                && Gates.isThere(evidence, doubleFault);
        return !died
                ? Optional.empty()
                : evidence.gate(doubleFault)
                        .filter(gate -> gate.interruptStack() == 0
                                && gate.leadsToHandler()
                                && evidence.isInImage(gate.offset())
                                && evidence.cpl() == 0
                                && !takesFrame(evidence, evidence.registers().get(Register.RSP)))
                        .map(gate -> "#DF has a handler at " + hex(gate.offset())
                                + evidence.symbol(gate.offset())
                                + ", which could not be entered, since IDT[8] names no stack of the TSS (IST 0) and the one at"
                                + " RSP " + hex(evidence.registers().get(Register.RSP))
                                + " takes no frame; put the end of a stack of its own into the TSS as IST 1, and 1 into"
                                + " byte 4 of the gate");
    }

    /** Returns whether the processor could push a frame there. */
    private static boolean takesFrame(Evidence evidence, long pointer) {
        long top = pointer & ALIGNMENT;
        return evidence.memory().isRam(top - 1) && evidence.memory().isRam(top - FRAME);
    }
}
