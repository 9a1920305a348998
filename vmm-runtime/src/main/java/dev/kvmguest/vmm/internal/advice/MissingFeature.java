package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Recognizes an instruction that is undefined because the kernel has not switched it on in CR4, or because it belongs
 * to a feature that this processor doesn't have (Intel SDM volume 2).
 *
 * <p>Silent unless the instruction's bytes are of the image, since what runs into data finds such bytes too.
 */
final class MissingFeature {

    private MissingFeature() {}

    /** A bit of CR4 or the feature is missing. */
    static Optional<String> undefined(Evidence evidence) {
        if (!Vector.UD.is(evidence.first().vector()) || !evidence.mode().usesDescriptors()) {
            return Optional.empty();
        }
        return evidence.at().decoded().isPresent()
                ? evidence.at().decoded().flatMap(at -> switchedOff(evidence, at))
                : absent(evidence);
    }

    private static Optional<String> switchedOff(Evidence evidence, Instruction at) {
        long cr4 = evidence.registers().get(Register.CR4);
        return switch (at.mnemonic) {
            case RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE ->
                evidence.mode().is64() && (cr4 & Cr4.FSGSBASE) == 0
                        ? Optional.of(
                                evidence.at().inWords() + " is #UD, since CR4.FSGSBASE (bit 16) is clear; set it at"
                                        + " start if CPUID has the feature (leaf 7, EBX bit 0), or use the MSRs IA32_FS_BASE and"
                                        + " IA32_GS_BASE")
                        : Optional.empty();
            case XGETBV, XSETBV, XSAVE, XSAVE64, XRSTOR, XRSTOR64 ->
                (cr4 & Cr4.OSXSAVE) == 0
                        ? Optional.of(evidence.at().inWords() + " is #UD, since CR4.OSXSAVE (bit 18) is clear; set it"
                                + " before XCR0 is read or written and state is saved with XSAVE, if CPUID has the feature"
                                + " (leaf 1, ECX bit 26)")
                        : Optional.empty();
            default -> Optional.empty();
        };
    }

    private static Optional<String> absent(Evidence evidence) {
        boolean data = ExecutedData.ofText(evidence).isPresent()
                || ExecutedData.ofObject(evidence).isPresent();
        if (data || !evidence.isInImage(evidence.address())) {
            return Optional.empty();
        }
        byte[] code = evidence.memory().code(evidence.address());
        return AbsentInstruction.of(code, evidence.mode())
                .map(found -> "the instruction at " + hex(evidence.at().eip()) + evidence.symbol(evidence.address())
                        + " (" + HexFormat.ofDelimiter(" ").formatHex(code, 0, Math.min(4, code.length))
                        + " ...) is " + found.name() + ", which this processor doesn't have; " + found.remedy());
    }
}
