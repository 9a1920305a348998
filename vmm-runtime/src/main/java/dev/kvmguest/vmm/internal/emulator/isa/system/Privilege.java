package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;

/** The check that privileged instructions begin with (Intel SDM volume 3A, 5.9). */
final class Privilege {

    private Privilege() {}

    /** Throws #GP(0) unless the current privilege level is 0. */
    static void requireSupervisor(Cpu cpu) {
        if (cpu.cpl() != 0) {
            throw CpuFault.generalProtection().because("the instruction is for privilege level 0");
        }
    }
}
