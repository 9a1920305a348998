package dev.kvmguest.vmm.internal.advice.past;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.advice.OverwriteReport;
import dev.kvmguest.vmm.internal.advice.Recursion;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a guest that hangs or halts after its stack ran down into its code: it executes what was pushed.
 *
 * <p>Silent unless the code where it was last, or the instruction that pushed last, was overwritten by a push and is no
 * more what the image's file has there. What code writes into code by other means may be meant.
 */
final class StackOverCode {

    private static final int WORD = 4;

    private StackOverCode() {}

    /** Code was pushed over, and something of it executed. */
    static Optional<String> goesOn(PastEvidence evidence) {
        return evidence.end() != PastEvidence.End.BY_EXCEPTION
                        && evidence.registers().protectedMode()
                ? whereItIs(evidence).or(() -> atItsStack(evidence))
                : Optional.empty();
    }

    private static Optional<String> whereItIs(PastEvidence evidence) {
        CpuState registers = evidence.registers();
        // The instruction pointer of a guest that halted is past its HLT.
        long place = registers.instructionAddress() - (evidence.hung() ? 0 : 1);
        return pushed(evidence, place, 1)
                .map(change -> "what the guest executed at its end, at " + hex(place) + evidence.symbol(place)
                        + ", is not what the image's file has there: the stack ran into the code and has overwritten it by "
                        + by(evidence, change));
    }

    private static Optional<String> atItsStack(PastEvidence evidence) {
        long top = CpuMode.stackTop(evidence.registers());
        return pushed(evidence, top, WORD)
                .filter(change -> isLost(evidence, change))
                .map(change -> CpuMode.of(evidence.registers()).nameOf(Register.RSP) + " is " + hex(top)
                        + ", in the image: the stack ran into the code and has overwritten it, at last by "
                        + by(evidence, change));
    }

    private static String by(PastEvidence evidence, Change change) {
        return OverwriteReport.name(CpuMode.of(evidence.registers()), evidence.changes(), change)
                + Recursion.ofOverwritten(
                                evidence.registers(), evidence.memory(), evidence::isInImage, evidence::symbol)
                        .map(depth -> "; " + depth)
                        .orElse("")
                + "; end the recursion, or give the stack more room above the code";
    }

    /** Returns the push that changed bytes of the image's file last; empty if they are as they were. */
    private static Optional<Change> pushed(PastEvidence evidence, long linear, int length) {
        OptionalLong physical = evidence.memory().physical(linear);
        return physical.isPresent() && differs(evidence, linear, physical.getAsLong(), length)
                ? evidence.changes()
                        .in(new Range(Kind.IMAGE, "the code", physical.getAsLong(), physical.getAsLong() + length))
                        .filter(change -> OverwriteReport.isPush(CpuMode.of(evidence.registers()), change.by()))
                : Optional.empty();
    }

    private static boolean differs(PastEvidence evidence, long linear, long physical, int length) {
        Optional<byte[]> original = evidence.image().original(physical, length);
        Optional<byte[]> now = evidence.memory().read(linear, length);
        return original.isPresent() && now.isPresent() && !Arrays.equals(original.get(), now.get());
    }

    /** Returns whether the instruction that made a change is no more what was executed. */
    private static boolean isLost(PastEvidence evidence, Change change) {
        byte[] executed = change.by().bytes();
        return evidence.memory()
                .read(change.by().eip(), executed.length)
                .filter(now -> executed.length > 0 && !Arrays.equals(now, executed))
                .isPresent();
    }
}
