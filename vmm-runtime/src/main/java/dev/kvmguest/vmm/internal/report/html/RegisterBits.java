package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The bits of a register that have names (Intel SDM volume 1, 3.4.3; volume 3A, 2.2.1 and 2.5).
 *
 * @param register the register
 * @param bits its bits, in the order in which they are shown
 */
record RegisterBits(Register register, List<Bit> bits) {

    /** The registers whose bits decide what a guest may do; the last one that of 64-bit guests. */
    static final List<RegisterBits> ALL = List.of(
            new RegisterBits(
                    Register.RFLAGS,
                    List.of(
                            new Bit(Flag.IF, "IF interrupts on"),
                            new Bit(Flag.CF, "CF"),
                            new Bit(Flag.PF, "PF"),
                            new Bit(Flag.AF, "AF"),
                            new Bit(Flag.ZF, "ZF"),
                            new Bit(Flag.SF, "SF"),
                            new Bit(Flag.OF, "OF"),
                            new Bit(Flag.DF, "DF strings go down"),
                            new Bit(Flag.TF, "TF single step"),
                            new Bit(Flag.NT, "NT nested task"),
                            new Bit(Flag.RF, "RF resume"),
                            new Bit(Flag.VM, "VM virtual-8086"),
                            new Bit(Flag.AC, "AC alignment check"))),
            new RegisterBits(
                    Register.CR0,
                    List.of(
                            new Bit(Cr0.PE, "PE protected mode"),
                            new Bit(Cr0.PG, "PG paging"),
                            new Bit(Cr0.WP, "WP read-only pages bind the kernel too"),
                            new Bit(Cr0.MP, "MP"),
                            new Bit(Cr0.EM, "EM no x87, MMX and SSE are #UD"),
                            new Bit(Cr0.TS, "TS x87 and SSE are #NM"),
                            new Bit(Cr0.NE, "NE x87 errors are #MF"),
                            new Bit(Cr0.ET, "ET"),
                            new Bit(Cr0.AM, "AM alignment check"),
                            new Bit(Cr0.NW, "NW"),
                            new Bit(Cr0.CD, "CD caches off"))),
            new RegisterBits(
                    Register.CR4,
                    List.of(
                            new Bit(Cr4.PSE, "PSE 4 MiB pages"),
                            new Bit(Cr4.PAE, "PAE"),
                            new Bit(Cr4.PGE, "PGE global pages"),
                            new Bit(Cr4.OSFXSR, "OSFXSR SSE allowed"),
                            new Bit(Cr4.OSXMMEXCPT, "OSXMMEXCPT SSE errors are #XM"),
                            new Bit(Cr4.VME, "VME"),
                            new Bit(Cr4.PVI, "PVI"),
                            new Bit(Cr4.TSD, "TSD"),
                            new Bit(Cr4.DE, "DE"),
                            new Bit(Cr4.MCE, "MCE"),
                            new Bit(Cr4.PCE, "PCE"),
                            new Bit(Cr4.UMIP, "UMIP"),
                            new Bit(Cr4.FSGSBASE, "FSGSBASE"),
                            new Bit(Cr4.OSXSAVE, "OSXSAVE"),
                            new Bit(Cr4.SMEP, "SMEP the kernel can't execute pages of programs"),
                            new Bit(Cr4.SMAP, "SMAP nor access them"))),
            new RegisterBits(
                    Register.EFER,
                    List.of(
                            new Bit(Efer.LME, "LME long mode with paging"),
                            new Bit(Efer.LMA, "LMA long mode active"),
                            new Bit(Efer.NXE, "NXE pages without execution"),
                            new Bit(Efer.SCE, "SCE SYSCALL allowed"))));

    /**
     * A bit.
     *
     * @param mask the bit
     * @param name its name and, where that helps, what it does
     */
    record Bit(long mask, String name) {

        private boolean isSetIn(long value) {
            return (value & mask) != 0;
        }
    }

    /** Returns the names of the bits that are set in a value. */
    String set(long value) {
        return bits.stream().filter(bit -> bit.isSetIn(value)).map(Bit::name).collect(Collectors.joining(" \u00b7 "));
    }

    /** Returns the names of the bits that are clear in a value. */
    String clear(long value) {
        return bits.stream().filter(bit -> !bit.isSetIn(value)).map(Bit::name).collect(Collectors.joining(" \u00b7 "));
    }
}
