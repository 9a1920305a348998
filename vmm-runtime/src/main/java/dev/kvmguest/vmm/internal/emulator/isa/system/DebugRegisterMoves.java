package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.DebugRegisters;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;

/** MOV to and from debug registers (Intel SDM volume 2, MOV, and volume 3B, 17.2). */
public final class DebugRegisterMoves {

    /** DR6; the addresses are below it, and DR7 is above. */
    private static final int STATUS = 6;

    private static final int LAST = 7;

    private DebugRegisterMoves() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.MOV_DEBUG, DebugRegisterMoves::mov);
    }

    private static void mov(Cpu cpu, Instruction i) {
        boolean write = i.op0.kind == Operand.Kind.DEBUG;
        int number = realNumber(cpu, write ? i.op0.number : i.op1.number);
        Privilege.requireSupervisor(cpu);
        if ((cpu.debug.get(7) & DebugRegisters.DR7_GD) != 0) {
            cpu.debug.raise(DebugRegisters.DR6_BD);
            // For the flags pushed: this #DB is a fault, unlike most (volume 3B, 17.3.1.1).
            cpu.eflags.put(Flag.RF, true);
            throw CpuFault.of(Vector.DB);
        }
        if (!write) {
            i.op0.write(cpu, cpu.debug.get(number));
            return;
        }
        long value = i.op1.read(cpu);
        if (number >= STATUS && value >>> Integer.SIZE != 0) {
            throw CpuFault.generalProtection().because("DR" + number + " has no upper 32 bits that could be set");
        }
        boolean watched = cpu.debug.watchesData();
        cpu.debug.set(number, value);
        if (cpu.debug.watchesData() != watched) {
            // Translations that are kept let accesses pass unseen.
            cpu.memory.flush();
        }
        cpu.requestAsyncEvent();
    }

    /**
     * DR4 and DR5 are other names of DR6 and DR7, unless debug extensions are on; there is no DR8 to DR15, which REX.R
     * would mean (volume 2, MOV).
     */
    private static int realNumber(Cpu cpu, int number) {
        if (number > LAST) {
            throw CpuFault.invalidOpcode();
        }
        if (number != 4 && number != 5) {
            return number;
        }
        if ((cpu.cr4() & Cr4.DE) != 0) {
            throw CpuFault.invalidOpcode();
        }
        return number + 2;
    }
}
