package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

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

    /** Returns the linear address of the instruction. */
    long address() {
        return before.instructionAddress();
    }
}
