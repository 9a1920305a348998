package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * Recognizes an IA32_STAR that doesn't go with the GDT: SYSCALL and SYSRET load CS and SS by its selectors without a
 * look at the table, and the IRETQ of the next interrupt's handler looks (Intel SDM volume 2, SYSCALL and SYSRET).
 *
 * <p>Silent unless both selectors of the frame are those that SYSCALL or SYSRET loads.
 */
final class SystemCallSelectors {

    private static final int KERNEL_SHIFT = 32;
    private static final int USER_SHIFT = 48;
    private static final int NEXT = 8;
    private static final int USER = 3;
    private static final int CODE_SLOT = 1;
    private static final int STACK_SLOT = 4;

    private SystemCallSelectors() {}

    /** IRETQ refuses what SYSCALL or SYSRET has loaded. */
    static Optional<String> unfit(Evidence evidence) {
        OptionalLong star = evidence.msr(MsrFile.STAR);
        int error = evidence.first().errorCode().orElse(-1);
        boolean refused = Vector.GP.is(evidence.first().vector())
                && evidence.mode().is64()
                && evidence.at().is(Mnemonic.IRETQ)
                && star.isPresent()
                && (evidence.registers().get(Register.EFER) & Efer.SCE) != 0;
        if (!refused) {
            return Optional.empty();
        }
        int kernel = (int) (star.getAsLong() >>> KERNEL_SHIFT) & Selector.WITHOUT_RPL;
        int user = (int) (star.getAsLong() >>> USER_SHIFT) | USER;
        int code = slot(evidence, CODE_SLOT);
        int stack = slot(evidence, STACK_SLOT);
        boolean ofCall = code == kernel && stack == kernel + NEXT;
        boolean ofReturn = code == user + 2 * NEXT && stack == user + NEXT;
        if (!ofCall && !ofReturn) {
            return Optional.empty();
        }
        int level = ofCall ? 0 : USER;
        Optional<String> wrong = (code & Selector.WITHOUT_RPL) == error
                ? why(evidence, code, level, true).map(why -> "CS " + hex(code) + ", " + why)
                : Optional.empty();
        return wrong.or(() -> (stack & Selector.WITHOUT_RPL) == error
                        ? why(evidence, stack, level, false).map(why -> "SS " + hex(stack) + ", " + why)
                        : Optional.empty())
                .map(why -> evidence.at().inWords() + " refuses " + why + "; "
                        + (ofCall ? ofCall(evidence, star.getAsLong()) : ofReturn(evidence, star.getAsLong())));
    }

    private static String ofCall(Evidence evidence, long star) {
        return "SYSCALL loaded it: CS is bits 47 to 32 of IA32_STAR, " + hex(star)
                + ", and SS that plus 8; have the data"
                + " segment of ring 0 right after its 64-bit code segment in the GDT, and the latter's selector in these"
                + " bits"
                + first(evidence, 0, 0, NEXT);
    }

    private static String ofReturn(Evidence evidence, long star) {
        return "SYSRET loaded it: SS is bits 63 to 48 of IA32_STAR, " + hex(star)
                + ", plus 8, and CS that plus 16; have"
                + " the 64-bit code segment of ring 3 right after its data segment in the GDT, and a selector 8 below the"
                + " latter's in these bits"
                + first(evidence, USER, 2 * NEXT, NEXT);
    }

    /** Returns what the bits would be in this GDT, if it has the segments in that order. */
    private static String first(Evidence evidence, int level, int code, int stack) {
        OptionalInt found = IntStream.rangeClosed(
                        level == 0 ? 1 : 0, evidence.registers().gdt().limit() / NEXT)
                .map(index -> index * NEXT)
                .filter(selector -> why(evidence, selector + code | level, level, true)
                                .isEmpty()
                        && why(evidence, selector + stack | level, level, false).isEmpty())
                .findFirst();
        return found.isPresent() ? ", which is " + hex(found.getAsInt() | level) + " in this one" : "";
    }

    /** Returns why a selector can't be one of 64-bit code, or of a stack; empty if it can. */
    private static Optional<String> why(Evidence evidence, int selector, int level, boolean code) {
        if (Selector.isNull(selector)) {
            return code || level == USER ? Optional.of("which is null") : Optional.empty();
        }
        Optional<SegmentDescriptor> found = evidence.descriptor(selector);
        boolean fits = found.filter(descriptor -> descriptor.isPresent() && descriptor.dpl() == level)
                .filter(descriptor -> code
                        ? descriptor.isCode() && descriptor.isLong() && !descriptor.default32()
                        : descriptor.isWritable())
                .isPresent();
        String wanted = (code ? "64-bit code" : "writable data") + " of ring " + level;
        return fits
                ? Optional.empty()
                : Optional.of(found.map(descriptor -> "which is not " + wanted + " but " + describe(descriptor))
                        .orElse("which the GDT doesn't have (its limit is "
                                + hex(evidence.registers().gdt().limit()) + "), where " + wanted + " is wanted"));
    }

    private static String describe(SegmentDescriptor descriptor) {
        if (descriptor.raw() == 0) {
            return "an empty entry";
        }
        if (!descriptor.isPresent()) {
            return "an entry that is not present (P is clear)";
        }
        return Selectors.describe(descriptor, true) + (descriptor.isCodeOrData() ? " of ring " + descriptor.dpl() : "");
    }

    private static int slot(Evidence evidence, int index) {
        return (int) evidence.stack(index, Long.BYTES).orElse(0) & 0xffff;
    }
}
