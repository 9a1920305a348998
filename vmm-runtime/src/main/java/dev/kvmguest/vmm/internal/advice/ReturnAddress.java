package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.limine.LimineHandover;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Tells who put a wrong return address onto the stack, for the rule that has found that a RET went where no code is.
 *
 * <p>Silent unless the word that RET took is still there, and somebody is known who wrote it.
 */
final class ReturnAddress {

    /** No function that exchanges stacks is longer. */
    private static final int SWITCH = 64;

    private ReturnAddress() {}

    /** Returns that nobody had called what returned: RET took the word that a boot loader leaves on its own stack. */
    static Optional<String> ofEntry(Evidence evidence, Executed ret) {
        long place = evidence.mode().addresses().linear(evidence.stackPointer() - evidence.word());
        OptionalLong physical = evidence.memory().physical(place);
        boolean isFirst = physical.isPresent()
                && ret.is(Mnemonic.RET)
                && evidence.before().filter(ret::equals).isPresent()
                && evidence.layout().ranges().stream()
                        .anyMatch(range -> range.name().equals(LimineHandover.STACK)
                                && range.end() == physical.getAsLong() + evidence.word());
        return isFirst
                ? Optional.of(
                        "the kernel's entry point has returned, and nobody has called it: the boot loader put a 0"
                                + " there for a return address; end it by a loop of HLT, or the run by the debug-exit port 0xf4")
                : Optional.empty();
    }

    /** Returns who overwrote the return address that RET took, and what to do about it, without a full stop. */
    static Optional<String> overwritten(Evidence evidence, Executed ret) {
        long place = evidence.mode().addresses().linear(evidence.stackPointer() - evidence.word());
        OptionalLong physical = evidence.memory().physical(place);
        boolean isThere = evidence.registers().protectedMode()
                && ret.is(Mnemonic.RET)
                && ret.decoded().filter(found -> found.op0 == null).isPresent()
                && evidence.before().filter(ret::equals).isPresent()
                && physical.isPresent()
                && evidence.readWord(place).equals(OptionalLong.of(evidence.at().eip()));
        return isThere
                ? evidence.changes()
                        .in(new Range(
                                Kind.STACK,
                                "the return address at " + hex(place),
                                physical.getAsLong(),
                                physical.getAsLong() + evidence.word()))
                        .map(change -> sentence(evidence, place, change))
                : Optional.empty();
    }

    private static String sentence(Evidence evidence, long place, Change change) {
        String by = OverwriteReport.name(evidence, change);
        Optional<Executed> load = stackSwitch(evidence);
        boolean pushed = OverwriteReport.isPush(evidence, change.by());
        if (pushed && (load.isEmpty() || isNear(evidence, change))) {
            return "what RET took from " + hex(place) + " had been pushed by " + by
                    + ", and is no return address: look for pushes that were not popped";
        }
        return load.map(switched -> switched.inWords() + " loaded " + evidence.nameOf(Register.RSP)
                        + " with another stack, of which the return address at "
                        + hex(place) + " had been overwritten by " + by
                        + ": if that is code of a stack above this one, that stack has run over, make it larger; if it"
                        + " made this stack, have the words in the order in which they are popped")
                .orElseGet(() -> "the return address at " + hex(place) + " was overwritten by " + by
                        + ": look for writes past the end of a local variable");
    }

    /** Returns whether a push is of the function that RET ends, as those of a switch of stacks are. */
    private static boolean isNear(Evidence evidence, Change change) {
        return Math.abs(change.by().eip() - evidence.before().orElseThrow().eip()) < SWITCH;
    }

    /** Returns the last instruction that loaded ESP with what another stack was left with. */
    private static Optional<Executed> stackSwitch(Evidence evidence) {
        List<Executed> path = evidence.path();
        for (int i = path.size() - 1; i >= 0; i--) {
            Executed executed = path.get(i);
            boolean loads = executed.decoded()
                    .filter(found -> found.mnemonic == Mnemonic.MOV
                            && found.op0.isRegister()
                            && found.op0.number == Registers.RSP
                            && found.op0.width == evidence.word()
                            && (found.op1.isMemory() || found.op1.isRegister() && found.op1.number != Registers.RBP))
                    .isPresent();
            if (loads) {
                return Optional.of(executed);
            }
        }
        return Optional.empty();
    }
}
