package dev.kvmguest.vmm.internal.emulator.decode;

import java.util.EnumSet;
import java.util.Set;

/**
 * A fact about instructions of a name, whatever their operands. {@code opcodes.txt} says which instructions have which;
 * ask by {@link Mnemonic#is}.
 */
public enum Trait {
    /** A LOCK prefix is allowed if the first operand is in memory. */
    LOCKABLE,
    /** A jump that is taken whatever the flags say. */
    JUMP,
    /** A jump or loop that depends on flags or a count. */
    CONDITIONAL_JUMP,
    /** Pushes a return address and goes elsewhere. */
    CALL,
    /** Takes a return address from the stack. */
    RETURN,
    /** Takes an interrupt's frame from the stack. */
    INTERRUPT_RETURN,
    /** Raises an interrupt or exception by itself. */
    INTERRUPT,
    /** Defined as invalid: it always raises #UD. */
    UNDEFINED,
    /** May load CS, and with it the code segment's mode. */
    FAR,
    /** Pushes and does nothing else. */
    PUSH,
    /** Pops and does nothing else. */
    POP,
    /** A string instruction. */
    STRING,
    /** A string instruction whose elements are bytes. */
    BYTE_STRING,
    /** A string instruction that reads at DS:ESI, or in the segment of a prefix. */
    STRING_SOURCE,
    /** A string instruction that writes at ES:EDI. */
    STRING_STORE,
    /** A string instruction that compares: ZF ends its repetition, so that prefix F3 is REPE. */
    STRING_COMPARISON,
    /** A shift or rotation by a count. */
    SHIFT,
    /** Works on one bit of a bit string, whose number in a register reaches beyond the operand. */
    BIT_TEST,
    /** An x87 instruction, FXSAVE and FXRSTOR included. */
    X87,
    /** An MMX instruction, or one of SSE to SSE4.2 on MMX and XMM registers. */
    SIMD;

    /** Returns all instructions that have this trait, in a set of the caller's own. */
    public Set<Mnemonic> mnemonics() {
        Set<Mnemonic> mnemonics = EnumSet.noneOf(Mnemonic.class);
        for (Mnemonic mnemonic : Mnemonic.values()) {
            if (mnemonic.is(this)) {
                mnemonics.add(mnemonic);
            }
        }
        return mnemonics;
    }
}
