package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;

/**
 * Recognizes a triple fault that is meant, as kernels reset a processor: IDTR has the limit 0, and INT3, INT 3 or UD2
 * comes next.
 *
 * <p>Silent if IDTR has another limit, or no LIDT gave it this one, or the exception is one that nobody raises on
 * purpose.
 */
final class DeliberateReset {

    private DeliberateReset() {}

    /** An IDT without a single byte is loaded, and then something raised on purpose that it would be needed for. */
    static Optional<String> byEmptyTable(Evidence evidence) {
        boolean meant = evidence.registers().idt().limit() == 0
                && !evidence.first().interrupt()
                && !evidence.hasNeverHadAnIdt()
                && (evidence.at().is(Mnemonic.INT3, Mnemonic.UD2) || isBreakpoint(evidence));
        return meant
                ? Optional.of(evidence.at().inWords() + " raises what nothing can take, since IDTR's limit is 0: that"
                        + " is how kernels reset the machine on purpose; if this one means it, have its test expect a triple"
                        + " fault, or write 0xfe to port 0x64 for a reset, and if not, see to it that LIDT finds the"
                        + " table's size less 1")
                : Optional.empty();
    }

    private static boolean isBreakpoint(Evidence evidence) {
        return evidence.at()
                .decoded()
                .filter(at -> at.mnemonic == Mnemonic.INT && Vector.BP.is((int) at.op0.value))
                .isPresent();
    }
}
