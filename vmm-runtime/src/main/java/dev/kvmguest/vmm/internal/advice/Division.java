package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a DIV or IDIV that raises #DE, and says whether the divisor was 0 or the quotient too large.
 *
 * <p>Silent about any other cause of #DE, such as INT 0. A divisor in memory may have changed, so nothing is said of
 * it.
 */
final class Division {

    private Division() {}

    /** The guest divides by zero or by too little. */
    static Optional<String> divides(Evidence evidence) {
        if (!Vector.DE.is(evidence.first().vector()) || !evidence.at().is(Mnemonic.DIV, Mnemonic.IDIV)) {
            return Optional.empty();
        }
        OptionalLong divisor = divisor(evidence, evidence.at().decoded().orElseThrow().op0);
        String what = divisor.isEmpty()
                ? " divides by 0 or has a quotient that doesn't fit"
                : divisor.getAsLong() == 0 ? " divides by 0" : " has a quotient that doesn't fit into its register";
        return Optional.of(evidence.at().inWords() + what
                + "; check the operands before it"
                + (evidence.isHandled()
                        ? ""
                        : ", and give " + (evidence.registers().protectedMode() ? "IDT" : "IVT")
                                + "[0] a handler that says where it happened"));
    }

    private static OptionalLong divisor(Evidence evidence, Operand operand) {
        if (operand.kind != Operand.Kind.REGISTER) {
            return OptionalLong.empty();
        }
        boolean second = operand.isHighByte();
        long value = evidence.registers().get(Register.byNumber().get(operand.wholeRegister()));
        return OptionalLong.of(value >> (second ? Byte.SIZE : 0) & AddressPolicy.offsetMask(operand.width));
    }
}
