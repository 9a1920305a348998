package dev.kvmguest.vmm.internal.emulator.decode;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.UnsupportedInstruction;

/** What an instruction does. One per mnemonic, in the class of its family. */
@FunctionalInterface
public interface Operation {

    /**
     * Executes an instruction. EIP is already that of the next one, unless a transfer sets another; the end of
     * the instruction is {@link Instruction#nextEip}. A fault must leave registers and flags as they were before the
     * instruction, and memory too where the manual says so.
     *
     * @throws CpuFault if the guest gets a fault
     * @throws UnsupportedInstruction if the emulator lacks this form
     */
    void execute(Cpu cpu, Instruction instruction);
}
