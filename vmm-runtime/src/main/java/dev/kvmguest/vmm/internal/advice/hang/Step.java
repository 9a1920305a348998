package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * An instruction that a guest executed, or tried to.
 *
 * @param before the registers before it
 * @param code its bytes; empty if it could not be fetched or is no instruction
 * @param instruction the same decoded
 * @param reads what it read, as far as it shows
 */
public record Step(CpuState before, byte[] code, Optional<Instruction> instruction, List<Read> reads) {

    public Step {
        reads = List.copyOf(reads);
    }

    /** Returns the same with more that it read. */
    public Step with(List<Read> more) {
        List<Read> all = new ArrayList<>(reads);
        all.addAll(more);
        return new Step(before, code, instruction, all);
    }

    /** Returns whether it is an instruction with this trait. */
    boolean is(Trait trait) {
        return instruction.filter(one -> one.mnemonic.is(trait)).isPresent();
    }

    /** Returns whether it read this port. */
    boolean readsPort(int port) {
        return reads.stream().anyMatch(read -> read.from().equals(new Read.Port(port)));
    }

    /** Returns the port that it wrote to with OUT; empty for other instructions. */
    OptionalInt outPort() {
        return instruction.filter(one -> one.mnemonic == Mnemonic.OUT).stream()
                .mapToInt(one -> one.op0.kind == Operand.Kind.IMMEDIATE
                        ? (int) one.op0.value
                        : (int) before.get(Register.RDX) & 0xffff)
                .findFirst();
    }

    /** Returns the linear address of the instruction. */
    long address() {
        return before.instructionAddress();
    }
}
