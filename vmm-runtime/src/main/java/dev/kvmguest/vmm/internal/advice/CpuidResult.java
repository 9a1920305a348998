package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Recognizes a pointer that CPUID has overwritten: it writes four registers, and in EBX many boot loaders leave the
 * address of the boot information (Intel SDM volume 2, CPUID).
 *
 * <p>Silent unless CPUID is among the last instructions and nothing has written the register after it.
 */
final class CpuidResult {

    private static final Set<Register> WRITTEN = EnumSet.of(Register.RAX, Register.RBX, Register.RCX, Register.RDX);

    private CpuidResult() {}

    /** What faulted used a register as a pointer that has what CPUID left there. */
    static Optional<String> usedAsPointer(Evidence evidence) {
        boolean faulted = (Vector.PF.is(evidence.first().vector())
                        || Vector.GP.is(evidence.first().vector()))
                && !evidence.first().interrupt();
        return faulted
                ? evidence.at().decoded().flatMap(at -> MemoryUse.of(at, evidence.registers()).stream()
                        .flatMap(use -> use.registers().stream())
                        .filter(WRITTEN::contains)
                        .flatMap(register -> overwritten(evidence, register).stream())
                        .findFirst())
                : Optional.empty();
    }

    private static Optional<String> overwritten(Evidence evidence, Register register) {
        List<Executed> path = evidence.path();
        for (int i = path.size() - 2; i >= 0; i--) {
            Executed executed = path.get(i);
            if (executed.is(Mnemonic.CPUID)) {
                String name = evidence.nameOf(register);
                return Optional.of(name + " is " + hex(evidence.registers().get(register)) + ", as "
                        + executed.inWords() + " left it, and " + evidence.at().inWords()
                        + " uses it as a pointer; CPUID writes EAX, EBX, ECX and EDX: save what a boot loader or a caller"
                        + " has put there before it, such as the address of the boot information in EBX");
            }
            if (isWritten(executed.decoded(), register)) {
                return Optional.empty();
            }
        }
        return Optional.empty();
    }

    /** An instruction of which that isn't known may write any. */
    private static boolean isWritten(Optional<Instruction> instruction, Register register) {
        return instruction
                .flatMap(Effects::written)
                .filter(written -> !written.contains(register))
                .isEmpty();
    }
}
