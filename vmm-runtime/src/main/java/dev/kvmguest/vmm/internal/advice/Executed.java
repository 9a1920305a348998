package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * An instruction that the guest executed, or tried to.
 *
 * @param shown the instruction as reports show it
 * @param decoded the same, decoded; empty if it could not be fetched or is no instruction
 */
record Executed(GuestInstruction shown, Optional<Instruction> decoded) {

    /**
     * Decodes an instruction.
     *
     * @param mode the mode that it was executed in, or one before or after it
     */
    static Executed of(GuestInstruction shown, CpuMode mode) {
        return new Executed(shown, CodeReader.decode(shown, mode));
    }

    /** Returns its offset in the code segment. */
    long eip() {
        return shown.eip();
    }

    /** Returns the instruction as a sentence names it. */
    String inWords() {
        return shown.inWords();
    }

    /** Returns whether its bytes could be fetched, even if they are no instruction. */
    boolean isFetched() {
        return shown.bytes().length > 0;
    }

    /** Returns whether it is one of these instructions, whatever its prefixes and operands. */
    boolean is(Set<Mnemonic> mnemonics) {
        return decoded.filter(instruction -> mnemonics.contains(instruction.mnemonic))
                .isPresent();
    }

    /** Returns whether it is one with this trait. */
    boolean is(Trait trait) {
        return decoded.filter(instruction -> instruction.mnemonic.is(trait)).isPresent();
    }

    /** Returns whether it is this instruction or one of these, whatever its prefixes and operands. */
    boolean is(Mnemonic first, Mnemonic... others) {
        return is(EnumSet.of(first, others));
    }

    /** Returns whether it may go elsewhere than to the next instruction: a jump, loop, call or return. */
    boolean isTransfer() {
        return is(Trait.JUMP)
                || is(Trait.CONDITIONAL_JUMP)
                || is(Trait.CALL)
                || is(Trait.RETURN)
                || is(Trait.INTERRUPT_RETURN);
    }

    /** Returns whether it is what zeros in memory mean to the processor. */
    boolean isZeros() {
        return decoded.filter(Instruction::isZeros).isPresent();
    }
}
