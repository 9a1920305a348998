package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import java.util.List;
import java.util.Optional;

/**
 * Recognizes an interrupt of a device that came at a vector of exceptions, because the controllers were not remapped,
 * or at one without a gate.
 *
 * <p>Silent about exceptions, in real mode, and if there is a gate, even a wrong one.
 */
final class UnhandledInterrupt {

    /** Where a PC's firmware leaves IRQ 0 to 7. */
    private static final int FIRST = 8;

    private static final int LAST = 15;

    /** STI lets interrupts in after the instruction that follows it (Intel SDM volume 2, STI). */
    private static final int BEHIND_STI = 2;

    private UnhandledInterrupt() {}

    /** The interrupt controllers are as firmware left them. */
    static Optional<String> notRemapped(Evidence evidence) {
        Fault.Event first = evidence.first();
        if (!isAtFirmwaresVector(evidence)) {
            return Optional.empty();
        }
        int irq = first.vector() - FIRST;
        String source = irq == 0 ? "the timer's IRQ 0" : irq == 1 ? "the keyboard's IRQ 1" : "IRQ " + irq;
        return Optional.of(source + " came at vector " + first.vector() + whenItCame(evidence) + ", which is "
                + use(first.vector())
                + " in " + (evidence.registers().longMode() ? "long" : "protected")
                + " mode: the interrupt controllers are not remapped; initialize both 8259A for vectors from"
                + " 0x20 on (ICW1 to ICW4 at ports 0x20, 0x21, 0xa0 and 0xa1), or mask them, before STI");
    }

    private static boolean isAtFirmwaresVector(Evidence evidence) {
        Fault.Event first = evidence.first();
        return first.interrupt()
                && evidence.registers().protectedMode()
                && first.vector() >= FIRST
                && first.vector() <= LAST;
    }

    private static String use(int vector) {
        String name = Fault.Event.name(vector);
        return name.startsWith("#") ? "that of " + name : "reserved for exceptions";
    }

    /** The vector is one of the guest's choice, and its gate was forgotten. */
    static Optional<String> withoutHandler(Evidence evidence) {
        Fault.Event first = evidence.first();
        if (!first.interrupt()
                || !evidence.registers().protectedMode()
                || isAtFirmwaresVector(evidence)
                || TableOperand.ofLidt(evidence).isPresent()
                || Gates.isThere(evidence, first.vector())) {
            return Optional.empty();
        }
        return Optional.of("a device's interrupt came at vector " + hex(first.vector()) + whenItCame(evidence)
                + ", for which IDT[" + first.vector()
                + "] has no gate; give it a handler, or leave its line masked in the 8259A (ports 0x21 and 0xa1)");
    }

    private static String whenItCame(Evidence evidence) {
        List<Executed> before = evidence.executed();
        return before.subList(Math.max(0, before.size() - BEHIND_STI), before.size()).stream()
                .filter(instruction -> instruction.is(Mnemonic.STI))
                .findFirst()
                .map(sti -> " right after " + sti.inWords())
                .orElse("");
    }
}
