package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a loop whose local variables are on a stack where no RAM is, so that they never change.
 *
 * <p>Silent unless what the loop reads is close to ESP.
 */
final class StackWithoutRam {

    /** More than the local variables of a function and its callees take, mostly. */
    private static final long NEAR = 0x1_0000;

    private StackWithoutRam() {}

    /** The loop reads from the stack, and the stack isn't there. */
    static Optional<String> used(HangEvidence evidence) {
        long esp = esp(evidence);
        return evidence.polls().stream()
                .filter(poll -> poll.from() instanceof Read.NoRam place && holds(evidence, place.physical()))
                .findFirst()
                .map(poll -> name(evidence) + " is " + hex(esp)
                        + ", where no RAM is, so that what the loop reads of its local variables"
                        + " is always " + hex(poll.last())
                        + (Long.compareUnsigned(esp, highest(evidence) - NEAR) > 0
                                ? ": " + name(evidence) + " was never set, and has gone below 0, which it is at entry"
                                : "")
                        + "; set " + name(evidence)
                        + " to the end of memory that is a stack's before the first push or call");
    }

    /** Returns whether a physical address without RAM is one of the stack. */
    static boolean holds(HangEvidence evidence, long physical) {
        long esp = esp(evidence);
        OptionalLong stack = evidence.memory().physical(esp);
        return evidence.registers().protectedMode()
                && stack.isPresent()
                && !evidence.memory().isRam(esp)
                && Math.abs(physical - stack.getAsLong()) < NEAR;
    }

    private static long esp(HangEvidence evidence) {
        return CpuMode.stackTop(evidence.registers());
    }

    private static long highest(HangEvidence evidence) {
        return CpuMode.of(evidence.registers()).addresses().mask();
    }

    private static String name(HangEvidence evidence) {
        return evidence.registers().nameOf(Register.RSP).toUpperCase(Locale.ROOT);
    }
}
