package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.CpuState;

/** The bits of CR4 (Intel SDM volume 3A, 2.5). */
public final class Cr4 {

    /** Virtual-8086 mode extensions. */
    public static final long VME = 1;
    /** Protected-mode virtual interrupts. */
    public static final long PVI = 1 << 1;
    /** Time-stamp disable: RDTSC in ring 0 only. */
    public static final long TSD = 1 << 2;
    /** Debugging extensions: DR4 and DR5 are #UD. */
    public static final long DE = 1 << 3;
    /** Page size extensions: 4 MiB pages in 32-bit paging. */
    public static final long PSE = CpuState.CR4_PSE;
    /** Physical address extension: entries of 8 bytes. */
    public static final long PAE = 1 << 5;
    /** Machine-check enable. */
    public static final long MCE = 1 << 6;
    /** Page global enable. */
    public static final long PGE = 1 << 7;
    /** Performance-monitoring counter enable: RDPMC in every ring. */
    public static final long PCE = 1 << 8;
    /** The operating system saves with FXSAVE: without this bit, SSE instructions are #UD. */
    public static final long OSFXSR = 1 << 9;
    /** The operating system handles #XM. */
    public static final long OSXMMEXCPT = 1 << 10;

    /** User-mode instruction prevention: SGDT, SIDT, SLDT, SMSW and STR in ring 0 only. */
    public static final long UMIP = 1 << 11;
    /** RDFSBASE, WRFSBASE, RDGSBASE and WRGSBASE. */
    public static final long FSGSBASE = 1 << 16;
    /** Supervisor-mode execution prevention: ring 0 must not fetch from pages of ring 3. */
    public static final long SMEP = 1 << 20;
    /** Supervisor-mode access prevention: with EFLAGS.AC clear, rings 0 to 2 must not access pages of ring 3. */
    public static final long SMAP = 1 << 21;
    /** The operating system manages state with XSAVE: without this bit, it and XGETBV are #UD. */
    public static final long OSXSAVE = 1 << 18;

    private Cr4() {}
}
