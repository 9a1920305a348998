package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import java.util.Optional;

/**
 * Recognizes a guest that ends in a jump to itself with no interrupt to come. No host can tell that from work.
 *
 * <p>Silent if an interrupt could come.
 */
final class EndlessJump {

    private EndlessJump() {}

    /** The loop is one JMP, and no interrupt can come. */
    static Optional<String> toItself(HangEvidence evidence) {
        boolean alone = evidence.loop()
                .filter(loop -> loop.period() == 1)
                .flatMap(loop -> loop.round().get(0).instruction())
                .filter(EndlessJump::isToItself)
                .isPresent();
        if (!alone || !evidence.isUninterruptible()) {
            return Optional.empty();
        }
        return Optional.of("nothing ends " + evidence.at().inWords() + ", which jumps to itself with "
                + (evidence.interruptsAreOff() ? "interrupts off" : "all interrupts masked")
                + "; a guest that is done ends its run with CLI and HLT, or by the debug-exit port 0xf4");
    }

    private static boolean isToItself(Instruction instruction) {
        return instruction.mnemonic == Mnemonic.JMP
                && instruction.op0.kind == Operand.Kind.RELATIVE
                && instruction.op0.value == instruction.eip;
    }
}
