package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads what a guest is about to execute, out of its memory. */
public final class StepReader {

    private static final int WIDEST = 8;

    // A judgement on loops, and no traits.
    /** What a loop looks at a flag with, whichever of its operands is in memory. */
    private static final Set<Mnemonic> LOOKS = EnumSet.of(
            Mnemonic.BT,
            Mnemonic.BTC,
            Mnemonic.BTR,
            Mnemonic.BTS,
            Mnemonic.CMP,
            Mnemonic.CMPXCHG,
            Mnemonic.TEST,
            Mnemonic.XCHG);

    /** What a loop looks at a flag with if its second operand is in memory; the first it writes. */
    private static final Set<Mnemonic> LOADS = EnumSet.of(
            Mnemonic.ADD,
            Mnemonic.AND,
            Mnemonic.MOV,
            Mnemonic.MOVSX,
            Mnemonic.MOVZX,
            Mnemonic.OR,
            Mnemonic.SUB,
            Mnemonic.XOR);

    private final GuestMemory memory;

    /** Creates a reader of this memory, which must not be closed while it is used. */
    public StepReader(GuestMemory memory) {
        this.memory = memory;
    }

    /**
     * Returns the next step, with what it is going to read from RAM.
     *
     * @param state the registers now
     */
    public Step next(CpuState state) {
        LinearMemory linear = new LinearMemory(memory, state);
        byte[] bytes = linear.code(state.instructionAddress());
        Optional<Instruction> instruction = CodeReader.decode(bytes, state.eip(), CpuMode.of(state));
        return new Step(
                state,
                Arrays.copyOf(bytes, instruction.map(one -> one.length).orElse(0)),
                instruction,
                instruction
                        .flatMap(StepReader::looksAt)
                        .flatMap(operand -> read(linear, state, operand))
                        .map(List::of)
                        .orElse(List.of()));
    }

    /** Returns the instruction at an offset in the code segment, without what the image says of it. */
    GuestInstruction instruction(CpuState state, long eip) {
        byte[] code = new LinearMemory(memory, state).code(state.linear(SegmentRegister.CS, eip));
        return CodeReader.read(code, eip, CpuMode.of(state)).orElseGet(() -> CodeReader.unread(eip));
    }

    /** Returns the memory operand that an instruction reads, unless it is on the stack: nobody else changes that. */
    private static Optional<Operand> looksAt(Instruction instruction) {
        Operand first = instruction.op0;
        Operand second = instruction.op1;
        boolean looks = LOOKS.contains(instruction.mnemonic);
        boolean loads = LOADS.contains(instruction.mnemonic);
        if (looks && isFlag(first) && !isBitString(instruction)) {
            return Optional.of(first);
        }
        return (looks || loads) && isFlag(second) ? Optional.of(second) : Optional.empty();
    }

    private static boolean isFlag(Operand operand) {
        return operand != null
                && operand.isMemory()
                && operand.width > 0
                && operand.width <= WIDEST
                && operand.base != Registers.RBP
                && operand.base != Registers.RSP;
    }

    /** A bit number in a register reaches beyond the operand (Intel SDM volume 2A, 3.1.1.9). */
    private static boolean isBitString(Instruction instruction) {
        return instruction.op1.isRegister() && instruction.mnemonic.is(Trait.BIT_TEST);
    }

    private static Optional<Read> read(LinearMemory linear, CpuState state, Operand operand) {
        long address = operand.linear(state);
        return value(linear, address, operand.width)
                .map(value -> new Read(new Read.Memory(address, operand.offset(state)), operand.width, value));
    }

    /** Returns a number in RAM, little-endian; empty where no RAM is. */
    static Optional<Long> value(LinearMemory linear, long address, int width) {
        return linear.read(address, width).map(bytes -> {
            long value = 0;
            for (int i = width - 1; i >= 0; i--) {
                value = value << 8 | bytes[i] & 0xff;
            }
            return value;
        });
    }
}
