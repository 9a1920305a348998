package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.CpuState;

/** The bits of CR0 (Intel SDM volume 3A, 2.5). */
public final class Cr0 {

    /** Protection enable: clear in real mode. */
    public static final long PE = CpuState.CR0_PE;
    /** Monitor coprocessor: WAIT is #NM where TS is set. */
    public static final long MP = 1 << 1;
    /** Emulation: x87 instructions are #NM, those of MMX and SSE #UD. */
    public static final long EM = 1 << 2;
    /** Task switched: x87, MMX and SSE instructions are #NM. */
    public static final long TS = 1 << 3;
    /** Extension type: always set on a P6 and later. */
    public static final long ET = CpuState.CR0_ET;
    /** Numeric error: x87 exceptions are #MF, not IRQ 13. */
    public static final long NE = 1 << 5;
    /** Write protect: ring 0 may not write to read-only pages. */
    public static final long WP = 1 << 16;
    /** Alignment mask: EFLAGS.AC counts in ring 3. */
    public static final long AM = 1 << 18;
    /** Not write-through. */
    public static final long NW = 1 << 29;
    /** Cache disable. */
    public static final long CD = 1 << 30;
    /** Paging. */
    public static final long PG = CpuState.CR0_PG;

    private Cr0() {}
}
