package dev.kvmguest.vmm.diagnosis;

import dev.kvmguest.vmm.Fault;
import java.util.Optional;

/** Interrupts that come where the processor has its exceptions. */
final class TimerVector {

    /** Where a PC's firmware leaves IRQ 0 to 7. */
    private static final int FIRST = 8;

    private static final int LAST = 15;

    private TimerVector() {}

    /** The interrupt controllers are as firmware left them. */
    static Optional<String> notRemapped(Evidence evidence) {
        Fault.Event first = evidence.first();
        if (!first.interrupt()
                || !evidence.registers().protectedMode()
                || first.vector() < FIRST
                || first.vector() > LAST) {
            return Optional.empty();
        }
        int irq = first.vector() - FIRST;
        String source = irq == 0 ? "the timer's IRQ 0" : irq == 1 ? "the keyboard's IRQ 1" : "IRQ " + irq;
        return Optional.of(source + " came at vector " + first.vector() + ", which is " + use(first.vector())
                + " in protected mode: the interrupt controllers are not remapped; initialize both 8259A for vectors from"
                + " 0x20 on (ICW1 to ICW4 at ports 0x20, 0x21, 0xa0 and 0xa1), or mask them, before STI");
    }

    private static String use(int vector) {
        String name = Evidence.exception(vector);
        return name.startsWith("#") ? "that of " + name : "reserved for exceptions";
    }
}
