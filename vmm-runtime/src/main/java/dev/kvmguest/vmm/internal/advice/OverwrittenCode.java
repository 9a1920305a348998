package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a stack that ran down into the code: what was pushed has overwritten the instructions that pushed it.
 *
 * <p>Silent unless ESP is in the image, what is there is no longer what the file put there, and the last instruction
 * that pushed there, or one that was executed, is among it. A boot sector's stack may be in its image on purpose.
 */
final class OverwrittenCode {

    private static final int WORD = 4;

    private OverwrittenCode() {}

    /** The stack is where the code was. */
    static Optional<String> byStack(Evidence evidence) {
        long esp = evidence.stackPointer();
        OptionalLong physical = evidence.memory().physical(esp);
        if (!evidence.registers().protectedMode() || physical.isEmpty() || evidence.cpl() != 0) {
            return Optional.empty();
        }
        return evidence.image().segments().stream()
                .filter(segment -> physical.getAsLong() >= segment.physicalAddress()
                        && physical.getAsLong() < segment.physicalAddress() + segment.data().length)
                .findFirst()
                .filter(segment -> isOverwritten(evidence, esp, physical.getAsLong(), WORD))
                .flatMap(segment -> explained(evidence, segment, esp, physical.getAsLong()));
    }

    private static Optional<String> explained(Evidence evidence, Segment segment, long esp, long physical) {
        return evidence.changes()
                .in(new Range(Kind.IMAGE, "the code", physical, physical + WORD))
                .filter(change -> OverwriteReport.isPush(evidence, change.by()))
                .filter(change -> isLost(evidence, change) || anyLost(evidence))
                .map(change -> evidence.nameOf(Register.RSP) + " is " + hex(esp) + ", in the image at "
                        + hex(segment.physicalAddress()) + "-"
                        + hex(segment.physicalAddress() + segment.data().length - 1)
                        + ": the stack ran into the code and has overwritten it from " + hex(physical)
                        + " on, at last by "
                        + OverwriteReport.name(evidence, change)
                        + Recursion.ofOverwritten(evidence)
                                .map(depth -> "; " + depth)
                                .orElse("")
                        + "; end the recursion, or give the stack more room above the code");
    }

    /** Returns whether the instruction that pushed last is no more what the file has, or what was executed. */
    private static boolean isLost(Evidence evidence, Change change) {
        byte[] executed = change.by().bytes();
        return evidence.memory()
                .read(evidence.linear(change.by().eip()), executed.length)
                .filter(now -> executed.length > 0 && !Arrays.equals(now, executed))
                .isPresent();
    }

    /** Returns whether one of the instructions that were executed has been overwritten. */
    private static boolean anyLost(Evidence evidence) {
        return evidence.path().stream()
                .anyMatch(executed -> executed.isFetched()
                        && evidence.memory().physical(evidence.linear(executed)).stream()
                                .anyMatch(physical -> isOverwritten(
                                        evidence,
                                        evidence.linear(executed),
                                        physical,
                                        executed.shown().bytes().length)));
    }

    private static boolean isOverwritten(Evidence evidence, long linear, long physical, int length) {
        Optional<byte[]> original = evidence.image().original(physical, length);
        Optional<byte[]> now = evidence.memory().read(linear, length);
        return original.isPresent() && now.isPresent() && !Arrays.equals(original.get(), now.get());
    }
}
