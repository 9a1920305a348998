package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/** EMMS: what leaves MMX for x87 again (Intel SDM volume 1, 9.6.2). */
public final class Mmx {

    private Mmx() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.EMMS, Mmx::emms);
    }

    private static void emms(Cpu cpu, Instruction i) {
        FpuChecks.requireMmx(cpu);
        cpu.fpu.leaveMmx();
    }
}
