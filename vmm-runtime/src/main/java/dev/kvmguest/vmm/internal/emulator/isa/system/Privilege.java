package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.x86.Cr4;

/** The check that privileged instructions begin with (Intel SDM volume 3A, 5.9). */
final class Privilege {

    private Privilege() {}

    /** Throws #GP(0) unless the current privilege level is 0. */
    static void requireSupervisor(Cpu cpu) {
        if (cpu.cpl() != 0) {
            throw CpuFault.generalProtection().because("the instruction is for privilege level 0");
        }
    }

    /** Throws #GP(0) where CR4.UMIP keeps outer rings from reading where tables are, and the like (volume 3A, 2.5). */
    static void requireStoreAllowed(Cpu cpu) {
        if ((cpu.cr4() & Cr4.UMIP) != 0 && cpu.cpl() != 0) {
            throw CpuFault.generalProtection().because("CR4.UMIP allows it in ring 0 only");
        }
    }
}
