package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.MsrName;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;

/**
 * Recognizes RDMSR and WRMSR of a model-specific register that the processor doesn't have, and WRMSR with a value that
 * the register doesn't take (Intel SDM volume 2, and volume 4, 2.1).
 *
 * <p>Silent outside ring 0, where the instructions are forbidden whatever the register, and about EFER.LME, which is
 * part of the way into long mode.
 */
final class MsrAccess {

    private static final long LOW_32 = 0xffff_ffffL;
    private static final long EFER_DEFINED = Efer.SCE | Efer.LME | Efer.LMA | Efer.NXE;

    private MsrAccess() {}

    /** There is no such register, or it doesn't take the value. */
    static Optional<String> refused(Evidence evidence) {
        boolean write = evidence.at().is(Mnemonic.WRMSR);
        if (!Vector.GP.is(evidence.first().vector())
                || evidence.cpl() != 0
                || !(write || evidence.at().is(Mnemonic.RDMSR))) {
            return Optional.empty();
        }
        int number = (int) evidence.registers().get(Register.RCX);
        if (!MsrFile.exists(number)) {
            return Optional.of(evidence.at().inWords() + (write ? " writes " : " reads ") + name(number)
                    + ", which this processor doesn't have, and so raises #GP; " + remedy(number));
        }
        return write
                ? wrong(evidence, number, value(evidence.registers()))
                        .map(why -> evidence.at().inWords() + " writes " + hex(value(evidence.registers())) + " to "
                                + name(number) + ", " + why)
                : Optional.empty();
    }

    private static String name(int number) {
        String hex = hex(Integer.toUnsignedLong(number));
        return MsrName.of(number).map(name -> "MSR " + hex + ", " + name).orElse("MSR " + hex);
    }

    private static String remedy(int number) {
        return MsrName.isX2Apic(number)
                ? "ask CPUID for x2APIC (leaf 1, ECX bit 21) before its registers are used, and use the 8259A where there"
                        + " is none"
                : "ECX is the register's number: look whether that is the one meant, and ask CPUID whether the"
                        + " processor has the feature before its registers are used";
    }

    private static long value(CpuState registers) {
        return registers.get(Register.RDX) << Integer.SIZE | registers.get(Register.RAX) & LOW_32;
    }

    /** Returns why a register refuses a value, and the way out. */
    private static Optional<String> wrong(Evidence evidence, int number, long value) {
        return switch (number) {
            case MsrFile.EFER -> wrongEfer(value);
            case MsrFile.FS_BASE,
                    MsrFile.GS_BASE,
                    MsrFile.KERNEL_GS_BASE,
                    MsrFile.LSTAR,
                    MsrFile.CSTAR,
                    MsrFile.SYSENTER_ESP,
                    MsrFile.SYSENTER_EIP ->
                AddressPolicy.isCanonical(value) ? Optional.empty() : Optional.of(notCanonical(evidence));
            case MsrFile.MTRR_CAPABILITIES, MsrFile.PLATFORM_ID, MsrFile.MACHINE_CHECK_CAPABILITIES ->
                Optional.of("which can only be read; leave the WRMSR out");
            case MsrFile.TSC_AUX ->
                value >>> Integer.SIZE == 0
                        ? Optional.empty()
                        : Optional.of("which has 32 bits; clear EDX before WRMSR, which takes the upper half from it");
            case MsrFile.PAT -> Optional.of("of which a byte is no memory type; each is 0, 1, 4, 5, 6 or 7");
            default -> Optional.empty();
        };
    }

    private static Optional<String> wrongEfer(long value) {
        long reserved = value & ~EFER_DEFINED;
        if (reserved != 0) {
            String upper = reserved >>> Integer.SIZE == 0 || (reserved & LOW_32) != 0
                    ? "set no more than SCE (bit 0), LME (8) and NXE (11), on top of what RDMSR has read"
                    : "WRMSR takes the upper half from EDX: keep what RDMSR has put there, or clear it";
            return Optional.of("in which the bits " + hex(reserved) + " are reserved; " + upper);
        }
        return Optional.empty();
    }

    /** EDX has often been forgotten where all of the address is in RAX. */
    private static String notCanonical(Evidence evidence) {
        long rax = evidence.registers().get(Register.RAX);
        long edx = evidence.registers().get(Register.RDX) & LOW_32;
        boolean whole = evidence.mode().is64()
                && AddressPolicy.isCanonical(rax)
                && rax >>> Integer.SIZE != 0
                && rax >>> Integer.SIZE != edx;
        return "which is not canonical: bits 63 to 47 of an address are all the same; WRMSR takes the upper half from EDX"
                + (whole
                        ? ", not from RAX, which holds " + hex(rax) + ": move it there (MOV RDX, RAX; SHR RDX, 32)"
                        : ", which holds " + hex(edx));
    }
}
