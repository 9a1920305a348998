package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * What x87, MMX and SSE instructions check before anything else (Intel SDM volume 3A, 2.5, table 2-2, 12.1 and 13.1.3;
 * volume 2A, tables 2-18 and 2-21).
 */
public final class FpuChecks {

    private FpuChecks() {}

    /** #NM by CR0.EM and CR0.TS. */
    public static void requireX87(Cpu cpu) {
        if ((cpu.cr0() & (Cr0.EM | Cr0.TS)) != 0) {
            throw CpuFault.of(Vector.NM);
        }
    }

    /** As {@link #requireX87}, and #MF if an exception is pending: for all that wait for the x87 unit. */
    public static void requireX87Ready(Cpu cpu) {
        requireX87(cpu);
        requireNoPendingException(cpu);
    }

    /** FWAIT: CR0.TS counts only with CR0.MP, and CR0.EM not at all. */
    public static void waitForX87(Cpu cpu) {
        long monitored = Cr0.MP | Cr0.TS;
        if ((cpu.cr0() & monitored) == monitored) {
            throw CpuFault.of(Vector.NM);
        }
        requireNoPendingException(cpu);
    }

    /** #UD by CR0.EM, #NM by CR0.TS, #MF: MMX instructions, those that SSE and SSE2 add included. */
    public static void requireMmx(Cpu cpu) {
        if ((cpu.cr0() & Cr0.EM) != 0) {
            throw CpuFault.invalidOpcode();
        }
        if ((cpu.cr0() & Cr0.TS) != 0) {
            throw CpuFault.of(Vector.NM);
        }
        requireNoPendingException(cpu);
    }

    /** #UD by CR0.EM and CR4.OSFXSR, #NM by CR0.TS: instructions with XMM registers or MXCSR. */
    public static void requireSse(Cpu cpu) {
        if ((cpu.cr0() & Cr0.EM) != 0 || (cpu.cr4() & Cr4.OSFXSR) == 0) {
            throw CpuFault.invalidOpcode();
        }
        if ((cpu.cr0() & Cr0.TS) != 0) {
            throw CpuFault.of(Vector.NM);
        }
    }

    /** Both: instructions between MMX and XMM registers. */
    public static void requireSseAndMmx(Cpu cpu) {
        requireSse(cpu);
        requireNoPendingException(cpu);
    }

    private static void requireNoPendingException(Cpu cpu) {
        if (!cpu.fpu.hasPendingException()) {
            return;
        }
        if ((cpu.cr0() & Cr0.NE) != 0) {
            throw CpuFault.of(Vector.MF);
        }
        if (!cpu.host.ignoresFpuError()) {
            if (!cpu.eflags.has(Flag.IF)) {
                throw new UnsupportedInstruction("an x87 error is pending, CR0.NE and EFLAGS.IF are clear:"
                        + " a processor waits for IRQ 13, which can't come, for good");
            }
            throw cpu.host.waitForInterrupt();
        }
    }

    /** Returns whether an x87 error is reported outside, by FERR#, as soon as an instruction waits for the x87 unit. */
    public static boolean hasErrorOutside(Cpu cpu) {
        return (cpu.cr0() & Cr0.NE) == 0 && cpu.fpu.hasPendingException();
    }
}
