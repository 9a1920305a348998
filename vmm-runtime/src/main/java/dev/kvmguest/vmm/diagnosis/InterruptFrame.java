package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Selectors.Use;
import java.util.Optional;

/** What IRET finds on the stack (Intel SDM volume 3A, 6.12.1 and 6.13). */
final class InterruptFrame {

    private static final int GENERAL_PROTECTION = 13;
    private static final int SELECTOR = 0xfffc;

    private InterruptFrame() {}

    /** A handler returns with the exception's error code still on the stack. */
    static Optional<String> withErrorCode(Evidence evidence) {
        long offset = evidence.stack(1).orElse(0);
        boolean shifted = evidence.at().text().startsWith("iretd")
                && evidence.registers().protectedMode()
                && evidence.first().vector() == GENERAL_PROTECTION
                && evidence.first().errorCode().orElse(0) == (offset & SELECTOR)
                && evidence.isInImage(offset)
                && Selectors.unfit(evidence, (int) evidence.stack(2).orElse(0) & 0xffff, Use.CODE)
                        .isEmpty();
        return shifted
                ? Optional.of(Evidence.name(evidence.at()) + " found "
                        + hex(evidence.stack(0).orElse(0))
                        + " where the return address should be, and that one, " + hex(offset)
                        + ", where CS should be: an error code is still on the stack; handlers of #DF, #TS, #NP, #SS, #GP, #PF"
                        + " and #AC must remove it before IRET, such as by add esp, 4")
                : Optional.empty();
    }
}
