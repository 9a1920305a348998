package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.TakenEvent;
import java.util.List;
import java.util.Optional;

/**
 * What an engine has noted of the handlers that a guest entered.
 *
 * @param counts what was taken, and how often, in the order of kinds and vectors
 * @param open the handlers that have not returned, each interrupted by the next one, the outermost first; of very many
 *     the outermost and the innermost. A handler that the guest has left in another way than by IRET is still among
 *     them, as long as nothing shows that
 * @param again an exception that is raised again each time its handler returns to the instruction, as it arose the
 *     first time in that row; empty if the guest has gone on since
 * @param rounds how often it was raised in that row
 * @param changed the first interrupt of a device whose handler returned with other registers than it was entered with
 */
public record DeliveryLog(
        List<TakenEvent> counts,
        List<Delivery> open,
        Optional<Delivery> again,
        int rounds,
        Optional<ChangedRegisters> changed) {

    /** Nothing was taken, or nobody has seen it. */
    public static final DeliveryLog EMPTY =
            new DeliveryLog(List.of(), List.of(), Optional.empty(), 0, Optional.empty());

    /**
     * An interrupt that was not transparent to the code that it interrupted.
     *
     * @param interrupt the interrupt
     * @param after the registers after the handler's IRET, which led to the interrupted instruction
     * @param times how many interrupts at this vector did so
     * @param returns how many handlers of interrupts at this vector have returned to what they interrupted
     */
    public record ChangedRegisters(Delivery interrupt, CpuState after, long times, long returns) {}

    public DeliveryLog {
        counts = List.copyOf(counts);
        open = List.copyOf(open);
    }
}
