package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What a function has done to its stack when it is about to execute one of its instructions, so that its return address
 * and its caller's EBP can be found. It is read from its code. In 16-bit code read SP and BP for ESP and EBP.
 */
final class StackUse {

    /** Of a function no more bytes are looked at, so that a hostile one costs milliseconds. */
    private static final int LONGEST_FUNCTION = 0x4000;
    /** Nor are more instructions followed. */
    private static final int LONGEST_WAY = 256;

    private static final long UNKNOWN = Long.MIN_VALUE;

    /** What of the commonest instructions leaves its first operand as it is. */
    private static final Set<Mnemonic> ONLY_READ =
            EnumSet.of(Mnemonic.CMP, Mnemonic.TEST, Mnemonic.PUSH, Mnemonic.CALL);

    private static final int GENERAL_REGISTERS = 8;
    private static final int EBP_IN_PUSHAD = 6;

    private final boolean linear;

    /** Bytes from ESP up to the return address. */
    private long depth;
    /** Bytes from EBP up to the return address; unknown unless EBP points into this function's frame. */
    private long frame = UNKNOWN;
    /** The same as it was set first. */
    private long firstFrame = UNKNOWN;
    /** Bytes from where the caller's EBP was saved up to the return address. */
    private long saved = UNKNOWN;

    /** Whether ESP is taken for what it was before a jump within the function, as it is in what compilers make. */
    private boolean depthIsAssumed;

    private boolean ebpIsCallers = true;
    private boolean ownStack;

    private StackUse(boolean linear) {
        this.linear = linear;
    }

    /**
     * Follows a function in the order in which its code stands there. Behind an unconditional jump ESP is assumed to be
     * what it was before, and after a return it isn't known; a frame pointer is what it was once set to.
     *
     * @param start the address of its first instruction
     * @param address that of the one that it is about to execute, which is known to be of the same function
     * @return empty if its code can't be read, isn't understood or has no instruction that begins there
     */
    static Optional<StackUse> inFunction(Code code, long start, long address) {
        if (address < start || address - start > LONGEST_FUNCTION) {
            return Optional.empty();
        }
        StackUse use = new StackUse(true);
        return use.follow(code, start, address) ? Optional.of(use) : Optional.empty();
    }

    /**
     * Follows code as it is executed if no conditional jump is taken.
     *
     * @param start the address of its first instruction
     * @param address that of the one that it is about to execute
     * @return empty if its code can't be read, isn't understood or doesn't come there
     */
    static Optional<StackUse> onTheWay(Code code, long start, long address) {
        StackUse use = new StackUse(false);
        return use.follow(code, start, address) ? Optional.of(use) : Optional.empty();
    }

    /** Returns where the return address is; empty if that isn't known. */
    OptionalLong place(long esp, long ebp) {
        if (frame != UNKNOWN) {
            return OptionalLong.of(ebp + frame);
        }
        return depth == UNKNOWN ? OptionalLong.empty() : OptionalLong.of(esp + depth);
    }

    /** Returns whether {@link #place} follows from an assumption. */
    boolean isAssumed() {
        return frame == UNKNOWN && depthIsAssumed;
    }

    /** Returns the caller's EBP by the place of the return address and EBP now; 0 if it isn't known. */
    long callersEbp(long place, long ebp, StackWords stack) {
        if (ebpIsCallers) {
            return ebp;
        }
        return saved == UNKNOWN ? 0 : stack.at(place - saved).orElse(0L);
    }

    /** Returns whether it has set up a stack, on which there is no return address of it: it was not called. */
    boolean hasOwnStack() {
        return ownStack;
    }

    private boolean follow(Code code, long start, long end) {
        int most = linear ? LONGEST_FUNCTION : LONGEST_WAY;
        long address = start;
        for (int i = 0; address != end; i++) {
            Optional<Instruction> instruction =
                    i == most || linear && address > end ? Optional.empty() : code.instruction(address);
            instruction.ifPresent(this::follow);
            OptionalLong next = instruction.map(this::next).orElse(OptionalLong.empty());
            if (next.isEmpty()) {
                return false;
            }
            address = next.getAsLong();
        }
        beforeReturn(code.instruction(end));
        return true;
    }

    /** Returns where it goes on after an instruction; empty if that isn't known. */
    private OptionalLong next(Instruction instruction) {
        if (goesOn(instruction.mnemonic)) {
            return OptionalLong.of(instruction.nextEip);
        }
        boolean jumps = instruction.mnemonic == Mnemonic.JMP && instruction.op0.kind == Operand.Kind.RELATIVE;
        if (!linear) {
            return jumps ? OptionalLong.of(instruction.op0.value) : OptionalLong.empty();
        }
        depth = jumps ? depth : UNKNOWN;
        depthIsAssumed = true;
        frame = firstFrame;
        ebpIsCallers = saved == UNKNOWN && ebpIsCallers;
        return OptionalLong.of(instruction.nextEip);
    }

    /** A RET takes its return address from where ESP is, whatever came before. */
    private void beforeReturn(Optional<Instruction> instruction) {
        if (instruction.filter(found -> found.mnemonic == Mnemonic.RET).isPresent()) {
            depth = 0;
            depthIsAssumed = false;
            frame = UNKNOWN;
            ebpIsCallers = true;
        }
    }

    private void follow(Instruction instruction) {
        switch (instruction.mnemonic) {
            case PUSH -> push(instruction);
            case PUSHF, PUSHFD -> grow(instruction.operandSize);
            case PUSHA, PUSHAD -> pushAll(instruction.operandSize);
            case POP -> pop(instruction);
            case POPF, POPFD -> grow(-instruction.operandSize);
            case POPA, POPAD -> {
                grow(-GENERAL_REGISTERS * instruction.operandSize);
                restoreEbp();
            }
            case ENTER -> enter(instruction);
            case XCHG -> exchange(instruction);
            case LEAVE -> {
                depth = frame == UNKNOWN ? UNKNOWN : frame - instruction.operandSize;
                depthIsAssumed = false;
                restoreEbp();
            }
            default -> moveOrCompute(instruction);
        }
    }

    private void push(Instruction instruction) {
        grow(instruction.operandSize);
        if (is(instruction.op0, Registers.RBP) && ebpIsCallers && saved == UNKNOWN) {
            saved = depth;
        }
    }

    private void enter(Instruction instruction) {
        grow(instruction.operandSize);
        saved = ebpIsCallers && saved == UNKNOWN ? depth : saved;
        boolean nested = instruction.op1.value != 0;
        frame = nested ? UNKNOWN : depth;
        firstFrame = firstFrame == UNKNOWN ? frame : firstFrame;
        depth = nested || depth == UNKNOWN ? UNKNOWN : depth + instruction.op0.value;
        ebpIsCallers = false;
    }

    private void exchange(Instruction instruction) {
        if (is(instruction.op0, Registers.RBP) || is(instruction.op1, Registers.RBP)) {
            frame = UNKNOWN;
            ebpIsCallers = false;
        }
        if (is(instruction.op0, Registers.RSP) || is(instruction.op1, Registers.RSP)) {
            depth = UNKNOWN;
        }
    }

    private void pushAll(int width) {
        if (ebpIsCallers && saved == UNKNOWN && depth != UNKNOWN) {
            saved = depth + (long) EBP_IN_PUSHAD * width;
        }
        grow(GENERAL_REGISTERS * width);
    }

    private void pop(Instruction instruction) {
        grow(-instruction.operandSize);
        if (is(instruction.op0, Registers.RBP)) {
            restoreEbp();
        } else if (is(instruction.op0, Registers.RSP)) {
            depth = UNKNOWN;
        }
    }

    private void restoreEbp() {
        frame = UNKNOWN;
        ebpIsCallers = saved != UNKNOWN;
    }

    /** Returns whether the next instruction may be executed next, or after a call. */
    private static boolean goesOn(Mnemonic mnemonic) {
        return !mnemonic.is(Trait.JUMP)
                && !mnemonic.is(Trait.RETURN)
                && !mnemonic.is(Trait.INTERRUPT_RETURN)
                && !mnemonic.is(Trait.UNDEFINED);
    }

    private void grow(long bytes) {
        depth = depth == UNKNOWN ? UNKNOWN : depth + bytes;
    }

    private void moveOrCompute(Instruction instruction) {
        if (ONLY_READ.contains(instruction.mnemonic)) {
            return;
        }
        if (is(instruction.op0, Registers.RBP)) {
            frame = instruction.mnemonic == Mnemonic.MOV && is(instruction.op1, Registers.RSP) ? depth : UNKNOWN;
            firstFrame = firstFrame == UNKNOWN ? frame : firstFrame;
            ebpIsCallers = false;
        } else if (is(instruction.op0, Registers.RSP)) {
            moveStack(instruction);
        }
    }

    private void moveStack(Instruction instruction) {
        Operand source = instruction.op1;
        boolean number = source != null && source.kind == Operand.Kind.IMMEDIATE;
        switch (instruction.mnemonic) {
            case SUB -> depth = number && depth != UNKNOWN ? depth + signed(source) : UNKNOWN;
            case ADD -> depth = number && depth != UNKNOWN ? depth - signed(source) : UNKNOWN;
            case LEA -> {
                ownStack |= source.base == Registers.NONE && source.index == Registers.NONE;
                depth = address(source);
                depthIsAssumed &= source.base == Registers.RSP;
            }
            case MOV -> {
                ownStack |= number;
                depth = is(source, Registers.RBP) ? frame : UNKNOWN;
                depthIsAssumed = false;
            }
            default -> depth = UNKNOWN;
        }
    }

    private static int signed(Operand number) {
        return number.width == 2 ? (short) number.value : (int) number.value;
    }

    /** Returns the bytes from an address on the stack up to the return address. */
    private long address(Operand memory) {
        long from = memory.base == Registers.RBP ? frame : memory.base == Registers.RSP ? depth : UNKNOWN;
        return from == UNKNOWN || memory.index != Registers.NONE ? UNKNOWN : from - memory.value;
    }

    private static boolean is(Operand operand, int register) {
        return operand != null && operand.isRegister() && operand.width > 1 && operand.number == register;
    }
}
