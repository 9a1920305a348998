package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Flag;

/**
 * RDRAND (Intel SDM volume 1, 7.3.17; volume 2): numbers that look random, and are the same in every run of a guest.
 *
 * <p>They follow from the number of instructions retired, which no two have in common, so that a saved vCPU goes on
 * with the same ones.
 */
public final class RandomNumbers {

    // Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014): a Weyl sequence, mixed.
    private static final long GAMMA = 0x9e37_79b9_7f4a_7c15L;
    private static final long MIX_1 = 0xbf58_476d_1ce4_e5b9L;
    private static final long MIX_2 = 0x94d0_49bb_1331_11ebL;

    private RandomNumbers() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.RDRAND, RandomNumbers::rdrand);
    }

    /** There is a number always, as CF says; the other flags are cleared. */
    private static void rdrand(Cpu cpu, Instruction i) {
        cpu.timeReads++;
        i.op0.write(cpu, number(cpu.retired()) & -1L >>> Long.SIZE - 8 * i.op0.width);
        cpu.eflags.setArithmetic(Flag.CF);
    }

    private static long number(long count) {
        long mixed = (count + 1) * GAMMA;
        mixed = (mixed ^ mixed >>> 30) * MIX_1;
        mixed = (mixed ^ mixed >>> 27) * MIX_2;
        return mixed ^ mixed >>> 31;
    }
}
