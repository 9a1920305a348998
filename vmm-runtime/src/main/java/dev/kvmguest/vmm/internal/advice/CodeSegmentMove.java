package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;
import java.util.Set;

/**
 * Recognizes MOV to CS, which no processor since the 80286 has (Intel SDM volume 2, MOV).
 *
 * <p>Silent about every other invalid instruction.
 */
final class CodeSegmentMove {

    private static final int MOV_TO_SEGMENT = 0x8e;
    /** The number of CS in the second byte's bits 5:3. */
    private static final int CS = 1;

    private static final Set<Integer> PREFIXES =
            Set.of(0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3);

    private CodeSegmentMove() {}

    /** CS was to be loaded as the other segment registers are. */
    static Optional<String> tried(Evidence evidence) {
        if (!Vector.UD.is(evidence.first().vector())) {
            return Optional.empty();
        }
        byte[] bytes = evidence.memory().code(evidence.address());
        int opcode = 0;
        while (opcode < bytes.length && PREFIXES.contains(bytes[opcode] & 0xff)) {
            opcode++;
        }
        boolean toCs = opcode + 1 < bytes.length
                && (bytes[opcode] & 0xff) == MOV_TO_SEGMENT
                && (bytes[opcode + 1] >> 3 & 7) == CS;
        return toCs
                ? Optional.of("the instruction at " + hex(evidence.at().eip())
                        + evidence.at()
                                .shown()
                                .symbol()
                                .map(name -> " (" + name + ")")
                                .orElse("")
                        + " is MOV to CS, which always raises #UD; load CS with a far jump, such as jmp 0x8:next, and only"
                        + " DS, ES, FS, GS and SS with MOV")
                : Optional.empty();
    }
}
