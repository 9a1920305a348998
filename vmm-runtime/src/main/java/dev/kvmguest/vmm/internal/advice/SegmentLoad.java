package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.advice.Selectors.Use;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes an instruction that loads a segment register with a selector that it does not take (Intel SDM volume 3A,
 * 5.4 to 5.8).
 *
 * <p>Silent if the error code is not the selector that the instruction loads, and where the GDT was overwritten.
 */
final class SegmentLoad {

    private static final long LARGEST_SELECTOR = 0xffff;

    private SegmentLoad() {}

    /** The selector names nothing that the register takes. */
    static Optional<String> unfit(Evidence evidence) {
        Fault.Event first = evidence.first();
        int error = first.errorCode().orElse(0);
        if (!evidence.mode().usesDescriptors()
                || !Vector.hasSelector(first.vector())
                || InterruptFrame.elsewhere(evidence).isPresent()
                || SystemCallSelectors.unfit(evidence).isPresent()
                // What is beyond the limit has nothing to do with what the table holds.
                || (Selector.isWithin(error, evidence.table(error).limit())
                        && Overwritten.gdt(evidence).isPresent())) {
            return Optional.empty();
        }
        Optional<Instruction> at = evidence.at().decoded();
        if (error == 0) {
            return at.filter(instruction -> loadsNull(evidence, instruction)).isPresent()
                    ? Optional.of(evidence.at().inWords() + " loads the null selector, which SS and CS don't take"
                            + remedy(evidence, 0, Use.DATA))
                    : Optional.empty();
        }
        return at.flatMap(instruction -> use(evidence, instruction, error))
                .flatMap(wanted -> Selectors.unfit(evidence, error, wanted)
                        .or(() -> privilege(evidence, error))
                        .map(why -> pointer(evidence, error)
                                .orElseGet(() -> evidence.at().inWords() + " loads the selector " + hex(error) + ", "
                                        + why + "; it takes " + wanted.words() + remedy(evidence, error, wanted))));
    }

    /** Returns the sentence about a value that is no selector but a half of an address; empty if it isn't one. */
    private static Optional<String> pointer(Evidence evidence, int error) {
        OptionalLong value = loaded(evidence);
        boolean matches = value.isPresent()
                && Long.compareUnsigned(value.getAsLong(), LARGEST_SELECTOR) > 0
                && (value.getAsLong() & Selector.WITHOUT_RPL) == (error & Selector.WITHOUT_RPL)
                && (error | 7) > evidence.table(error).limit();
        if (!matches) {
            return Optional.empty();
        }
        long address = value.getAsLong();
        long distance = Math.abs(address - evidence.stackPointer());
        boolean onStack = distance < StackPointer.NEAR;
        boolean inImage = evidence.memory().physical(address).stream().anyMatch(evidence::isTaken);
        return onStack || inImage
                ? Optional.of(evidence.at().inWords() + " loads the low half of " + hex(address)
                        + ", which is no selector"
                        + " but an address " + (onStack ? "on the stack" : "in the image" + evidence.symbol(address))
                        + ": what was pushed last was popped in place of the saved segment register; pop in the reverse"
                        + " order of the pushes, and remove arguments from the stack before")
                : Optional.empty();
    }

    /** Returns all bits of which a segment register gets the lowest 16, where they are known to belong together. */
    private static OptionalLong loaded(Evidence evidence) {
        Instruction at = evidence.at().decoded().orElseThrow();
        if (at.mnemonic == Mnemonic.POP) {
            return evidence.stack(0);
        }
        if (at.mnemonic != Mnemonic.MOV_SEGMENT || !at.op1.isRegister()) {
            return OptionalLong.empty();
        }
        List<Executed> path = evidence.path();
        for (int i = path.size() - 2; i >= 0; i--) {
            Optional<Operand> written = path.get(i).decoded().map(instruction -> instruction.op0);
            if (written.filter(operand -> operand.isRegister() && operand.wholeRegister() == at.op1.number)
                    .isPresent()) {
                // MOV to AX alone leaves the upper half of something else.
                long value = evidence.registers().get(Register.byNumber().get(at.op1.number));
                return written.get().width >= Integer.BYTES
                        ? OptionalLong.of(written.get().width == Integer.BYTES ? value & 0xffff_ffffL : value)
                        : OptionalLong.empty();
            }
        }
        return OptionalLong.empty();
    }

    private static Optional<Use> use(Evidence evidence, Instruction at, int selector) {
        return switch (at.mnemonic) {
            case MOV_SEGMENT, POP ->
                Optional.of(at.op0)
                        .filter(operand -> operand.kind == Operand.Kind.SEGMENT)
                        .map(operand -> operand.number == Cpu.SS ? Use.STACK : Use.DATA);
            case LSS -> Optional.of(Use.STACK);
            case LDS, LES, LFS, LGS -> Optional.of(Use.DATA);
            case LTR -> Optional.of(Use.ofTasks(evidence));
            case LLDT -> Optional.of(Use.LOCAL_TABLE);
            case JMP_FAR, CALL_FAR -> Optional.of(Use.ofTransfers(evidence));
            // On the way to an outer ring they load SS too.
            case RETF, IRET, IRETD, IRETQ ->
                isOnStack(evidence, at, 1, selector)
                        ? Optional.of(Use.ofTransfers(evidence))
                        : isOnStack(evidence, at, at.mnemonic == Mnemonic.RETF ? 3 : 4, selector)
                                ? Optional.of(Use.STACK)
                                : Optional.empty();
            default -> Optional.empty();
        };
    }

    /**
     * Returns whether an instruction loads the null selector into SS or CS, which refuse it, from a register or from
     * its own bytes. #GP(0) has other reasons, too, and more of them where the selector is in memory.
     */
    private static boolean loadsNull(Evidence evidence, Instruction at) {
        return switch (at.mnemonic) {
            case MOV_SEGMENT ->
                at.op0.kind == Operand.Kind.SEGMENT
                        && at.op0.number == Cpu.SS
                        && at.op1.kind == Operand.Kind.REGISTER
                        && Selector.isNull((int)
                                (evidence.registers().get(Register.byNumber().get(at.op1.number)) & LARGEST_SELECTOR));
            case JMP_FAR, CALL_FAR -> at.op0.kind == Operand.Kind.FAR_POINTER && Selector.isNull(at.op0.segment);
            default -> false;
        };
    }

    private static boolean isOnStack(Evidence evidence, Instruction at, int index, int selector) {
        int width = Math.max(at.operandSize, Integer.BYTES);
        return (evidence.stack(index, width).orElse(0) & Selector.WITHOUT_RPL) == selector;
    }

    private static Optional<String> privilege(Evidence evidence, int selector) {
        int dpl = evidence.descriptor(selector).map(SegmentDescriptor::dpl).orElse(0);
        return dpl == evidence.cpl()
                ? Optional.empty()
                : Optional.of("whose segment has DPL " + dpl + " while the code is in ring " + evidence.cpl());
    }

    private static String remedy(Evidence evidence, int selector, Use wanted) {
        Optional<SegmentDescriptor> found = evidence.descriptor(selector);
        if (wanted == Use.TASK_64 && found.filter(wanted::takes).isPresent()) {
            return "; put bits 63 to 32 of the TSS's address into the second entry, with 0 above them, and count both in the"
                    + " limit that LGDT loads";
        }
        if (wanted == Use.TASK_64
                && found.filter(SegmentDescriptor::isAvailableTss).isPresent()) {
            return "; give its descriptor the access byte 0x89";
        }
        if (wanted == Use.CODE_OF_EITHER_SIZE
                && found.filter(code -> code.isLong() && code.default32()).isPresent()) {
            return "; clear D (bit 6 of byte 6 of the descriptor), so that byte 6 is 0xaf";
        }
        boolean beyond = (selector | 7) > evidence.registers().gdt().limit();
        if (evidence.hasBootGdt() && beyond) {
            return ", and GDTR is still the boot table's: load the guest's own GDT with LGDT first";
        }
        if (evidence.hasLoadersGdt()) {
            return ", and GDTR is still the boot loader's, which another loader may have elsewhere: load the kernel's own"
                    + " GDT with LGDT before anything that uses a selector";
        }
        return Selectors.fitsLoadersTable(evidence, selector, wanted)
                ? "; " + hex(selector) + " is a selector of the boot loader's GDT, from before LGDT: load CS with a far"
                        + " jump and the other segment registers with MOV right after LGDT, and use the new selectors in"
                        + " gates"
                : "; a selector is 8 times the number of its entry, plus the ring";
    }
}
