package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;

/** Names who has overwritten a table, and what to do about it, for the rules that have found one overwritten. */
public final class OverwriteReport {

    private OverwriteReport() {}

    /**
     * Returns the sentence about a change that was none of a table's own making.
     *
     * @param what the part of the table, such as {@code IDT[6] at 0x558}
     * @param table the guest physical addresses that the whole table takes
     */
    static String sentence(Evidence evidence, String what, Range table, Change change) {
        return what + " was overwritten by " + name(evidence, change) + "; "
                + (isPush(evidence, change.by()) ? ofStack(evidence, table) : ofCode(evidence, table, change));
    }

    /** Returns the instruction that made a change, and when it did. */
    static String name(Evidence evidence, Change change) {
        return name(evidence.mode(), evidence.changes(), change);
    }

    /**
     * Returns the same where there is no exception.
     *
     * @param mode the mode that the guest ran in
     * @param changes what found the change
     */
    public static String name(CpuMode mode, LastChange changes, Change change) {
        long count = change.instructionsBeforeTheEnd();
        return name(mode, change.by()) + ", "
                + (count == 0
                        ? "the last instruction that was executed"
                        : count + (count == 1 ? " instruction" : " instructions") + " before " + changes.end());
    }

    private static String name(CpuMode mode, GuestInstruction by) {
        return CodeReader.decode(by, mode).filter(OverwriteReport::writes).isPresent()
                ? by.inWords() + by.source().map(source -> " in " + source).orElse("")
                : "what the processor pushed for an exception at " + hex(by.eip());
    }

    /** Returns whether an instruction itself may write to memory; what else changes it is an exception's frame. */
    private static boolean writes(Instruction instruction) {
        return pushes(instruction.mnemonic)
                || instruction.mnemonic.is(Trait.STRING_STORE)
                || isMemory(instruction.op0)
                || isMemory(instruction.op1);
    }

    private static boolean pushes(Mnemonic mnemonic) {
        return mnemonic.is(Trait.PUSH)
                || mnemonic.is(Trait.CALL)
                || mnemonic.is(Trait.INTERRUPT)
                || mnemonic == Mnemonic.ENTER;
    }

    private static boolean isMemory(Operand operand) {
        return operand != null && operand.kind == Operand.Kind.MEMORY;
    }

    private static String ofStack(Evidence evidence, Range table) {
        return "the stack has run into " + table
                + Recursion.onStack(evidence).map(depth -> ", and " + depth).orElse("")
                + ": end recursion, or move the stack away from the table";
    }

    private static String ofCode(Evidence evidence, Range table, Change change) {
        String covering = evidence.layout().ranges().stream()
                .filter(range -> range.kind() == Kind.BSS || range.kind() == Kind.STACK)
                .filter(range -> range.contains(change.address()))
                .findFirst()
                .map(range -> "it lies in " + range + ": ")
                .orElse("");
        return covering + "keep what is written there out of " + hex(table.start()) + "-" + hex(table.end() - 1)
                + ", or have the table elsewhere";
    }

    /** Returns whether an instruction is repeated, as those are that fill and copy. */
    static boolean isRepeated(Evidence evidence, GuestInstruction instruction) {
        return CodeReader.decode(instruction, evidence.mode())
                .filter(decoded -> decoded.repeat != Instruction.NO_REPEAT)
                .isPresent();
    }

    /** Returns whether what was written went to the stack, which is where nobody makes a table. */
    static boolean isPush(Evidence evidence, GuestInstruction instruction) {
        return isPush(evidence.mode(), instruction);
    }

    /** Returns the same where there is no exception. */
    public static boolean isPush(CpuMode mode, GuestInstruction instruction) {
        return CodeReader.decode(instruction, mode)
                .filter(decoded -> !pushes(decoded.mnemonic) && writes(decoded))
                .isEmpty();
    }
}
