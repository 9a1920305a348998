package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.TakenEvent;
import java.util.List;
import java.util.Optional;

/**
 * An exception, interrupt or INT n whose handler the guest entered.
 *
 * @param kind what it is
 * @param event which one, with its error code and address
 * @param at the instruction that raised it or, if that came between two, the next one
 * @param registers the registers before the delivery; empty for INT n
 * @param lastInstructions what was executed last before it, the oldest first; empty for INT n and for interrupts from
 *     vector 0x20 on
 * @param handler EIP of the handler's first instruction
 * @param frame the linear address of the return address that the processor has pushed; {@link #NO_FRAME} if the handler
 *     is a task, whose TSS leads back to what it interrupted
 * @param end the linear address of the top of the stack when the handler has returned; after a change of rings, where
 *     the inner ring's return address, CS and EFLAGS end; the highest of all for a task, which has a stack of its own
 * @param instructions how many instructions had been retired by then
 * @param times how often the same arose at this instruction; of interrupts and INT n, how often this vector came
 * @param finished how often a handler of this vector has returned, and the guest went on
 */
public record Delivery(
        TakenEvent.Kind kind,
        Fault.Event event,
        GuestInstruction at,
        Optional<CpuState> registers,
        List<GuestInstruction> lastInstructions,
        long handler,
        long frame,
        long end,
        long instructions,
        long times,
        long finished) {

    /** The {@link #frame} of a handler that was entered by a task switch. */
    public static final long NO_FRAME = -1;

    public Delivery {
        lastInstructions = List.copyOf(lastInstructions);
    }
}
