package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.UnsupportedInstruction;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/**
 * x87 instructions (Intel SDM volume 1, chapter 8; volume 2). Transcendental and decimal ones only check and give up.
 */
public final class X87 {

    private static final Mnemonic[] NOT_IMPLEMENTED = {
        Mnemonic.F2XM1,
        Mnemonic.FBLD,
        Mnemonic.FBSTP,
        Mnemonic.FCOS,
        Mnemonic.FPATAN,
        Mnemonic.FPTAN,
        Mnemonic.FSIN,
        Mnemonic.FSINCOS,
        Mnemonic.FYL2X,
        Mnemonic.FYL2XP1
    };

    private X87() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        X87Control.install(table);
        X87Move.install(table);
        X87Arithmetic.install(table);
        X87Compare.install(table);
        X87Remainder.install(table);
        Operation notImplemented = X87::notImplemented;
        for (Mnemonic mnemonic : NOT_IMPLEMENTED) {
            table.put(mnemonic, notImplemented);
        }
    }

    private static void notImplemented(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        throw new UnsupportedInstruction("the emulator does not implement " + i.mnemonic.text());
    }
}
