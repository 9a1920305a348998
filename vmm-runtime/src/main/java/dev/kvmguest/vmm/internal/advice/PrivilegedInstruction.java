package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Recognizes an instruction in ring 3 that is the kernel's alone, or is there for ring 3 only if the kernel allows it
 * (Intel SDM volume 3A, 5.9; volume 1, 19.5).
 *
 * <p>Silent in rings 0 to 2 and in virtual-8086 mode, and for #GP with an error code.
 */
final class PrivilegedInstruction {

    private static final int USER = 3;
    private static final int IOPL_SHIFT = 12;

    private static final Set<Mnemonic> OF_RING_0 = EnumSet.of(
            Mnemonic.CLTS,
            Mnemonic.HLT,
            Mnemonic.INVD,
            Mnemonic.INVLPG,
            Mnemonic.LGDT,
            Mnemonic.LIDT,
            Mnemonic.LLDT,
            Mnemonic.LMSW,
            Mnemonic.LTR,
            Mnemonic.MOV_CONTROL,
            Mnemonic.MOV_DEBUG,
            Mnemonic.RDMSR,
            Mnemonic.SWAPGS,
            Mnemonic.SYSEXIT,
            Mnemonic.SYSRET,
            Mnemonic.WBINVD,
            Mnemonic.WRMSR,
            Mnemonic.XSETBV);

    private static final Set<Mnemonic> OF_INTERRUPTS = EnumSet.of(Mnemonic.CLI, Mnemonic.STI);

    private static final Set<Mnemonic> OF_PORTS = EnumSet.of(
            Mnemonic.IN,
            Mnemonic.OUT,
            Mnemonic.INSB,
            Mnemonic.INSW,
            Mnemonic.INSD,
            Mnemonic.OUTSB,
            Mnemonic.OUTSW,
            Mnemonic.OUTSD);

    private static final Set<Mnemonic> OF_TABLES =
            EnumSet.of(Mnemonic.SGDT, Mnemonic.SIDT, Mnemonic.SLDT, Mnemonic.SMSW, Mnemonic.STR);

    private PrivilegedInstruction() {}

    /** The code is in ring 3, where it may not do that. */
    static Optional<String> inRing3(Evidence evidence) {
        boolean refused = Vector.GP.is(evidence.first().vector())
                && evidence.first().errorCode().orElse(-1) == 0
                && evidence.mode().usesDescriptors()
                && evidence.cpl() == USER;
        return refused
                ? evidence.at()
                        .decoded()
                        .flatMap(at -> why(evidence, at))
                        .map(why -> evidence.at().inWords() + " was executed in ring 3 (CS is "
                                + hex(evidence.registers()
                                        .segment(SegmentRegister.CS)
                                        .selector())
                                + "), " + why)
                : Optional.empty();
    }

    private static Optional<String> why(Evidence evidence, Instruction at) {
        long cr4 = evidence.registers().get(Register.CR4);
        int iopl = (int) (evidence.registers().get(Register.RFLAGS) & Flag.IOPL) >> IOPL_SHIFT;
        if (OF_RING_0.contains(at.mnemonic)) {
            return Optional.of(
                    "and is for ring 0 only; programs ask the kernel by a system call, and a handler of #GP in the"
                            + " kernel ends those that don't");
        }
        if (OF_INTERRUPTS.contains(at.mnemonic) && iopl < USER) {
            return Optional.of(
                    "where it is allowed only up to the ring in EFLAGS.IOPL, which is " + iopl
                            + "; leave it to the kernel to switch interrupts off, since IOPL 3 lets a program stop the machine");
        }
        if (OF_PORTS.contains(at.mnemonic) && iopl < USER) {
            return Optional.of("where ports are allowed only by EFLAGS.IOPL, which is " + iopl
                    + ", or by the I/O permission bitmap in the TSS; have the kernel access the port by a system call, or"
                    + " clear its bit in the bitmap");
        }
        if (OF_TABLES.contains(at.mnemonic) && (cr4 & Cr4.UMIP) != 0) {
            return Optional.of("where CR4.UMIP forbids it; leave it out of programs, or clear UMIP");
        }
        if ((at.mnemonic == Mnemonic.RDTSC || at.mnemonic == Mnemonic.RDTSCP) && (cr4 & Cr4.TSD) != 0) {
            return Optional.of("where CR4.TSD forbids it; clear TSD for programs that measure time");
        }
        return at.mnemonic == Mnemonic.RDPMC && (cr4 & Cr4.PCE) == 0
                ? Optional.of("where it is allowed only with CR4.PCE set; set PCE for programs that count events")
                : Optional.empty();
    }
}
