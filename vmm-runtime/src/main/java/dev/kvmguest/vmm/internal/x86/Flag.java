package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.CpuState;

/** The bits of EFLAGS (Intel SDM volume 1, 3.4.3). */
public final class Flag {

    public static final int CF = 1;
    /** Always 1. */
    public static final int FIXED = (int) CpuState.EFLAGS_FIXED;

    public static final int PF = 1 << 2;
    public static final int AF = 1 << 4;
    public static final int ZF = 1 << 6;
    public static final int SF = 1 << 7;
    public static final int TF = 1 << 8;
    public static final int IF = (int) CpuState.EFLAGS_IF;
    public static final int DF = 1 << 10;
    public static final int OF = 1 << 11;
    /** The two bits of the I/O privilege level. */
    public static final int IOPL = 3 << 12;

    public static final int NT = 1 << 14;
    public static final int RF = 1 << 16;
    public static final int VM = (int) CpuState.EFLAGS_VM;
    public static final int AC = 1 << 18;
    public static final int VIF = 1 << 19;
    public static final int VIP = 1 << 20;
    public static final int ID = 1 << 21;

    /** The six flags that arithmetic sets. */
    public static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;
    /** Every flag that exists. */
    public static final int ALL = ARITHMETIC | TF | IF | DF | IOPL | NT | RF | VM | AC | VIF | VIP | ID;

    /** The bits that are always 0: 3, 5, 15 and 22 to 31. */
    public static final long CLEAR = 0xffff_ffffL & ~(ALL | FIXED);

    private Flag() {}

    /** Returns whether a word of 32 or 64 bits may be a saved EFLAGS or RFLAGS, by the bits that are always alike. */
    public static boolean mayBeSaved(long word) {
        return (word & ~0xffff_ffffL) == 0 && (word & (CLEAR | FIXED)) == FIXED;
    }
}
