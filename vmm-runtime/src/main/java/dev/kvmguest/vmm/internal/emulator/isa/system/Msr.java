package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Cr4;

/** RDMSR, WRMSR, RDTSC, RDTSCP, RDPMC (Intel SDM volume 2). */
public final class Msr {

    private static final int COUNTERS = 2;

    private Msr() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.RDMSR, Msr::rdmsr)
                .put(Mnemonic.WRMSR, Msr::wrmsr)
                .put(Mnemonic.RDTSC, Msr::rdtsc)
                .put(Mnemonic.RDTSCP, Msr::rdtscp)
                .put(Mnemonic.RDPMC, Msr::rdpmc);
    }

    private static void rdmsr(Cpu cpu, Instruction i) {
        Privilege.requireSupervisor(cpu);
        setEdxEax(cpu, cpu.msrs.read((int) cpu.registers.get(Registers.RCX, 4)));
    }

    private static void wrmsr(Cpu cpu, Instruction i) {
        Privilege.requireSupervisor(cpu);
        long value = cpu.registers.get(Registers.RDX, 4) << 32 | cpu.registers.get(Registers.RAX, 4);
        cpu.msrs.write((int) cpu.registers.get(Registers.RCX, 4), value);
    }

    private static void rdtsc(Cpu cpu, Instruction i) {
        if ((cpu.cr4() & Cr4.TSD) != 0) {
            Privilege.requireSupervisor(cpu);
        }
        setEdxEax(cpu, cpu.msrs.tsc());
    }

    private static void rdtscp(Cpu cpu, Instruction i) {
        rdtsc(cpu, i);
        cpu.registers.set(Registers.RCX, 4, cpu.msrs.stored(MsrFile.TSC_AUX));
    }

    private static void rdpmc(Cpu cpu, Instruction i) {
        if ((cpu.cr4() & Cr4.PCE) == 0) {
            Privilege.requireSupervisor(cpu);
        }
        long counter = cpu.registers.get(Registers.RCX, 4);
        if (counter >= COUNTERS) {
            throw CpuFault.generalProtection();
        }
        setEdxEax(cpu, cpu.msrs.read(MsrFile.PERFORMANCE_COUNTER_0 + (int) counter));
    }

    private static void setEdxEax(Cpu cpu, long value) {
        cpu.timeReads++;
        cpu.registers.set(Registers.RAX, 4, value);
        cpu.registers.set(Registers.RDX, 4, value >>> 32);
    }
}
