package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.CpuState;

/** The bits of the MSR IA32_EFER (Intel SDM volume 3A, 2.2.1, table 2-1). */
public final class Efer {

    /** SYSCALL and SYSRET. */
    public static final long SCE = 1;
    /** Long mode enable: setting CR0.PG enters long mode. */
    public static final long LME = 1 << 8;
    /** Long mode active; read-only. */
    public static final long LMA = CpuState.EFER_LMA;
    /** No-execute enable: bit 63 of a page-table entry forbids to fetch from the page. */
    public static final long NXE = 1 << 11;

    private Efer() {}
}
