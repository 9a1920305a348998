package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.HostAccess.Restart;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;

/**
 * Instructions that follow one another, decoded once and executed often. Only the last one can go elsewhere. All of a
 * block is in one page, unless it is a single instruction.
 */
final class Block {

    /** No block with this stamp is executed. */
    static final long STALE = -1;

    final long eip;
    final CpuMode mode;
    /** Where it starts in RAM. */
    final long physical;
    /** Where the second page of a block that crosses one starts in RAM; -1 for others. */
    final long secondPage;
    /** Bytes. */
    final int length;
    /** Whether all its bytes are zero. */
    final boolean zeros;
    /** What {@link Cpu#codeStamp} was when the block was last seen to be what is at this EIP. */
    long stamp = STALE;

    private final Instruction[] instructions;
    private final long nextEip;

    Block(Instruction[] instructions, CpuMode mode, long physical, long secondPage) {
        this.instructions = instructions;
        this.eip = instructions[0].eip;
        this.mode = mode;
        this.physical = physical;
        this.secondPage = secondPage;
        Instruction last = instructions[instructions.length - 1];
        this.nextEip = last.nextEip;
        this.length = (int) (last.eip - eip) + last.length;
        this.zeros = areZeros(instructions);
    }

    private static boolean areZeros(Instruction[] instructions) {
        for (Instruction instruction : instructions) {
            if (!instruction.isZeros()) {
                return false;
            }
        }
        return true;
    }

    Instruction first() {
        return instructions[0];
    }

    Instruction instruction(int index) {
        return instructions[index];
    }

    int instructions() {
        return instructions.length;
    }

    /**
     * Executes instructions to the end of the block, or until one requests an asynchronous event: at least one. EIP is
     * then that of the next instruction, and all that were executed are counted.
     *
     * @throws CpuFault for the guest; EIP is that of the instruction, which isn't counted
     */
    void execute(Cpu cpu) {
        Instruction[] code = instructions;
        int length = code.length;
        cpu.retired += length;
        cpu.eip = nextEip;
        int i = 0;
        try {
            do {
                Instruction instruction = code[i];
                instruction.operation.execute(cpu, instruction);
                i++;
            } while (i < length && !cpu.asyncEvent);
        } catch (Restart e) {
            cpu.restart();
            i++;
        } catch (RuntimeException e) {
            cpu.retired -= length - i;
            cpu.eip = code[i].eip;
            throw e;
        }
        if (cpu.restart) {
            i--;
            cpu.retired -= length - i;
            cpu.eip = code[i].eip;
        } else if (i < length) {
            cpu.retired -= length - i;
            cpu.eip = code[i].eip;
        }
    }
}
