package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.Code;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Tells 64-bit code that was executed as of 32 or 16 bits by its REX prefixes with W set: each is a DEC then, of one
 * byte, before the instruction that it belongs to (Intel SDM volume 2A, 2.2.1). Code of 32 bits decrements too, so
 * that one alone says nothing unless nobody could mean it.
 */
final class RexPrefixes {

    private static final int FIRST = 0x48;
    private static final int LAST = 0x4f;
    /** A MOV of 64 bits with all of them in the instruction. */
    private static final int WIDE_MOV = 10;
    /** The opcode of MOV of a number to memory, or the long way to a register. */
    private static final int MOV_TO_MEMORY = 0xc7;
    /** So many among the last 32 instructions of a 64-bit file are not counters. */
    private static final int MANY = 3;

    private static final Set<Mnemonic> OVERWRITES = EnumSet.of(Mnemonic.MOV, Mnemonic.LEA, Mnemonic.POP);
    private static final Set<Mnemonic> OF_STACKS =
            EnumSet.of(Mnemonic.MOV, Mnemonic.LEA, Mnemonic.ADD, Mnemonic.SUB, Mnemonic.AND);

    private final List<Executed> path;
    private final Code as64;
    private final GuestImage image;

    /**
     * Looks at what was executed.
     *
     * @param path what was executed, with all of it in one mode
     * @param as64 the same code as 64-bit mode reads it
     * @param image what the guest runs
     */
    RexPrefixes(List<Executed> path, Code as64, GuestImage image) {
        this.path = path;
        this.as64 = as64;
        this.image = image;
    }

    /** Returns whether what was executed is 64-bit code. */
    boolean areThere() {
        long[] places = new long[path.size()];
        int pairs = 0;
        for (int i = 0; i + 1 < path.size(); i++) {
            Optional<Instruction> whole = whole(i);
            if (whole.isPresent() && isMeaningless(i, whole.get())) {
                return true;
            }
            if (whole.isPresent()) {
                places[pairs++] = whole.get().eip;
            }
        }
        boolean many = Arrays.stream(places, 0, pairs).distinct().count() >= MANY;
        return many && image.format() == GuestImage.Format.ELF64;
    }

    /** Returns the instruction of 64-bit code that two executed ones are the beginning of, the first its prefix. */
    private Optional<Instruction> whole(int index) {
        Executed prefix = path.get(index);
        Executed rest = path.get(index + 1);
        byte[] bytes = prefix.shown().bytes();
        boolean isPrefix = bytes.length == 1
                && (bytes[0] & 0xff) >= FIRST
                && (bytes[0] & 0xff) <= LAST
                && prefix.is(Mnemonic.DEC)
                && rest.eip() == prefix.eip() + 1
                && rest.decoded().isPresent()
                && !rest.isTransfer()
                && !rest.is(Mnemonic.DEC, Mnemonic.INC);
        return isPrefix
                ? as64.instruction(prefix.eip())
                        .filter(whole -> whole.length > rest.shown().bytes().length)
                : Optional.empty();
    }

    /**
     * Returns whether a DEC has no meaning as one: nobody uses its result, or what follows is encoded as no assembler
     * encodes it for 32 bits, or is in the middle of a number of 64 bits.
     */
    private boolean isMeaningless(int index, Instruction whole) {
        Instruction dec = path.get(index).decoded().orElseThrow();
        Instruction rest = path.get(index + 1).decoded().orElseThrow();
        boolean looksAtFlags = index + 2 < path.size() && path.get(index + 2).is(Trait.CONDITIONAL_JUMP);
        boolean wideNumber = whole.mnemonic == Mnemonic.MOV
                && whole.length == WIDE_MOV
                && hasPlainUpperHalf(whole.op1.value)
                && as64.instruction(whole.nextEip)
                        .filter(next -> !next.isZeros())
                        .isPresent();
        return !looksAtFlags
                && (wideNumber
                        || isLongMove(rest)
                        || isOverwritten(dec, rest)
                        || isPrologue(index, rest)
                        || dec.op0.number == Registers.RAX && movesStack(rest) && !isUsedLater(index + 2));
    }

    /** Returns whether a number is moved to a register by an opcode that is for memory: there is a shorter one. */
    private static boolean isLongMove(Instruction rest) {
        return rest.mnemonic == Mnemonic.MOV
                && rest.op0.isRegister()
                && rest.op1.kind == Operand.Kind.IMMEDIATE
                && (rest.bytes()[0] & 0xff) == MOV_TO_MEMORY;
    }

    private static boolean isOverwritten(Instruction dec, Instruction rest) {
        return OVERWRITES.contains(rest.mnemonic)
                && rest.op0.isRegister()
                && rest.op0.width >= 2
                && rest.op0.number == dec.op0.number
                && !uses(rest.op1, dec.op0.number);
    }

    /** Returns whether PUSH EBP is before the DEC, and MOV EBP, ESP after it. */
    private boolean isPrologue(int index, Instruction rest) {
        return index > 0
                && path.get(index - 1).is(Trait.PUSH)
                && uses(path.get(index - 1).decoded().orElseThrow().op0, Registers.RBP)
                && rest.mnemonic == Mnemonic.MOV
                && rest.op0.isRegister()
                && rest.op0.number == Registers.RBP
                && uses(rest.op1, Registers.RSP);
    }

    private static boolean movesStack(Instruction rest) {
        return OF_STACKS.contains(rest.mnemonic)
                && rest.op0.isRegister()
                && rest.op0.number == Registers.RSP
                && !uses(rest.op1, Registers.RAX);
    }

    /** Returns whether EAX may be used by what was executed from an index on, before it is overwritten. */
    private boolean isUsedLater(int from) {
        for (int i = from; i < path.size(); i++) {
            Optional<Instruction> instruction = path.get(i).decoded();
            if (instruction.isEmpty() || instruction.get().mnemonic == Mnemonic.UD2) {
                return false;
            }
            boolean overwritten = OVERWRITES.contains(instruction.get().mnemonic)
                    && uses(instruction.get().op0, Registers.RAX)
                    && instruction.get().op0.isRegister()
                    && !uses(instruction.get().op1, Registers.RAX);
            if (overwritten) {
                return false;
            }
            boolean known = OF_STACKS.contains(instruction.get().mnemonic)
                    || OVERWRITES.contains(instruction.get().mnemonic)
                    || path.get(i).is(Trait.PUSH);
            if (whole(i).isEmpty()
                    && (!known
                            || uses(instruction.get().op0, Registers.RAX)
                            || uses(instruction.get().op1, Registers.RAX))) {
                return true;
            }
        }
        return false;
    }

    /** Returns whether the upper half of a number, executed as code, is mere zeros or ones. */
    private static boolean hasPlainUpperHalf(long number) {
        return number >>> Integer.SIZE == 0 || number >> Integer.SIZE == -1;
    }

    private static boolean uses(Operand operand, int register) {
        return operand != null
                && (operand.isRegister() && operand.wholeRegister() == register
                        || operand.isMemory() && (operand.base == register || operand.index == register));
    }
}
