package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import java.util.List;
import java.util.OptionalLong;

/** Which bits of a port's value a guest goes by: those of the first TEST, AND or BT with a number after its IN. */
final class TestedBits {

    /** As far after an IN, the value of code that is not optimized has been through memory and back. */
    private static final int FARTHEST = 24;

    private TestedBits() {}

    /**
     * Returns whether the guest may look at one of these bits.
     *
     * @param port a port that it polls
     * @param bits those that are asked for
     * @return false only if each time it looks at others
     */
    static boolean mayInclude(HangEvidence evidence, int port, int bits) {
        List<Step> steps = evidence.lastSteps();
        boolean others = false;
        for (int i = 0; i < steps.size(); i++) {
            if (steps.get(i).readsPort(port)) {
                OptionalLong tested = tested(steps.subList(i + 1, Math.min(steps.size(), i + 1 + FARTHEST)));
                if (tested.isPresent()) {
                    others = true;
                    if ((tested.getAsLong() & bits) != 0) {
                        return true;
                    }
                }
            }
        }
        return !others;
    }

    private static OptionalLong tested(List<Step> after) {
        int shifted = 0;
        for (Step step : after) {
            if (step.instruction().isEmpty()
                    || step.reads().stream().anyMatch(read -> read.from() instanceof Read.Port)) {
                return OptionalLong.empty();
            }
            Instruction instruction = step.instruction().get();
            if (!hasNumber(instruction)) {
                continue;
            }
            long number = instruction.op1.value;
            if (instruction.mnemonic == Mnemonic.SHR) {
                shifted += (int) number;
            } else if (instruction.mnemonic == Mnemonic.BT) {
                return OptionalLong.of(1L << number << shifted);
            } else if (isMask(instruction)) {
                return OptionalLong.of(number << shifted);
            }
        }
        return OptionalLong.empty();
    }

    private static boolean hasNumber(Instruction instruction) {
        return instruction.op1 != null && instruction.op1.kind == Operand.Kind.IMMEDIATE;
    }

    /** All ones are how compilers make a byte wider. */
    private static boolean isMask(Instruction instruction) {
        boolean masks = instruction.mnemonic == Mnemonic.TEST || instruction.mnemonic == Mnemonic.AND;
        return masks && instruction.op1.value != 0xff && instruction.op1.value != 0xffff;
    }
}
