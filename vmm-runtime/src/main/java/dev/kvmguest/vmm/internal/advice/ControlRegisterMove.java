package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.isa.system.ControlRegisters;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Recognizes a MOV to a control register, or an XSETBV, of a value with reserved bits or of a feature that is not there
 * (Intel SDM volume 2, MOV to control registers and XSETBV, and volume 3A, 2.5).
 *
 * <p>Silent outside ring 0, and about what switches long mode and paging on or off.
 */
final class ControlRegisterMove {

    private static final long LOW_32 = 0xffff_ffffL;
    private static final int TASK_PRIORITY = 8;
    private static final long HIGHEST_PRIORITY = 0xf;

    /** What later processors have in CR4 (volume 3A, 2.5), by bit. */
    private static final List<String> CR4_NAMES = List.of(
            "VME",
            "PVI",
            "TSD",
            "DE",
            "PSE",
            "PAE",
            "MCE",
            "PGE",
            "PCE",
            "OSFXSR",
            "OSXMMEXCPT",
            "UMIP",
            "LA57",
            "VMXE",
            "SMXE",
            "",
            "FSGSBASE",
            "PCIDE",
            "OSXSAVE",
            "KL",
            "SMEP",
            "SMAP",
            "PKE",
            "CET",
            "PKS",
            "UINTR");

    private ControlRegisterMove() {}

    /** The register refuses the value. */
    static Optional<String> refused(Evidence evidence) {
        if (!Vector.GP.is(evidence.first().vector()) || evidence.cpl() != 0) {
            return Optional.empty();
        }
        if (evidence.at().is(Mnemonic.XSETBV)) {
            return xcr0(evidence);
        }
        return evidence.at()
                .decoded()
                .filter(at -> at.mnemonic == Mnemonic.MOV_CONTROL
                        && at.op0.kind == Operand.Kind.CONTROL
                        && at.op1.isRegister())
                .flatMap(at -> refused(evidence, at));
    }

    private static Optional<String> refused(Evidence evidence, Instruction at) {
        long value = evidence.registers().get(Register.byNumber().get(at.op1.number))
                & AddressPolicy.offsetMask(at.op1.width);
        Optional<String> why =
                switch (at.op0.number) {
                    case 0 -> cr0(value);
                    case 3 -> cr3(evidence, value);
                    case 4 -> cr4(value);
                    case TASK_PRIORITY ->
                        (value & ~HIGHEST_PRIORITY) == 0
                                ? Optional.empty()
                                : Optional.of(
                                        "which takes a priority from 0 to 15; it is the upper half of an interrupt's vector");
                    default -> Optional.empty();
                };
        return why.map(
                words -> evidence.at().inWords() + " writes " + hex(value) + " to CR" + at.op0.number + ", " + words);
    }

    /** Of AVX and what came later there is nothing. */
    private static Optional<String> xcr0(Evidence evidence) {
        long value = evidence.registers().get(Register.RDX) << Integer.SIZE
                | evidence.registers().get(Register.RAX) & LOW_32;
        long number = evidence.registers().get(Register.RCX) & LOW_32;
        long absent = value & ~(XsaveArea.X87 | XsaveArea.SSE);
        String writes = evidence.at().inWords() + " writes " + hex(value) + " to XCR" + number + ", ";
        if (number != 0) {
            return Optional.of(writes + "of which there is only XCR0; clear ECX");
        }
        if (absent != 0) {
            return Optional.of(writes + "in which the bits " + hex(absent)
                    + " are of state that this processor doesn't have; set no others than CPUID returns in EDX:EAX of leaf"
                    + " 13");
        }
        return (value & XsaveArea.X87) == 0
                ? Optional.of(writes + "in which bit 0, that of x87, must be set; set it")
                : Optional.empty();
    }

    private static Optional<String> cr0(long value) {
        if (value >>> Integer.SIZE != 0) {
            return Optional.of("of which bits 63 to 32 are reserved; "
                    + (value >>> Integer.SIZE == LOW_32
                            ? "the value was sign-extended from 32 bits: use an instruction on a 32-bit register, which"
                                    + " clears the upper half"
                            : "clear them"));
        }
        return (value & Cr0.NW) != 0 && (value & Cr0.CD) == 0
                ? Optional.of("which sets NW (bit 29) without CD (bit 30); set both, to switch caches off, or none")
                : Optional.empty();
    }

    private static Optional<String> cr3(Evidence evidence, long value) {
        long reserved = value & ~PagingMode.PHYSICAL;
        return evidence.mode().isLong() && reserved != 0 && !evidence.memory().isMapped(value)
                ? Optional.of("in which the bits " + hex(reserved)
                        + " are reserved; CR3 takes the physical address of the PML4, a multiple of 4096")
                : Optional.empty();
    }

    private static Optional<String> cr4(long value) {
        long absent = value & ~ControlRegisters.CR4_DEFINED;
        if (absent != 0) {
            return Optional.of("in which " + names(absent) + " not there on this processor; ask CPUID for a feature"
                    + " before its bit is set in CR4");
        }
        return Optional.empty();
    }

    private static String names(long bits) {
        List<String> names = new ArrayList<>();
        for (int bit = 0; bit < Long.SIZE; bit++) {
            if ((bits >>> bit & 1) != 0) {
                boolean named = bit < CR4_NAMES.size() && !CR4_NAMES.get(bit).isEmpty();
                names.add(named ? CR4_NAMES.get(bit) + " (bit " + bit + ")" : "bit " + bit);
            }
        }
        return String.join(", ", names) + (names.size() == 1 ? " is" : " are");
    }
}
