package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.board.InterruptLine;
import java.util.List;
import java.util.Map;

/**
 * What the interrupt controllers and input of a vCPU had, when its run had ended.
 *
 * @param lines what the interrupt controllers had, IRQ 0 first
 * @param takesInterrupts whether the processor would have taken an interrupt, with none on its way to it
 * @param takesInput whether typing something could have raised an interrupt
 * @param input what had become of what was typed
 * @param alone whether no other vCPU shares its memory
 * @param setsUpInterrupts whether the guest has written to the interrupt controllers
 * @param cascaded whether the interrupt controllers know of each other what they must
 * @param output what the guest wrote to each port, the first of it if it is much
 */
public record InterruptContext(
        List<InterruptLine> lines,
        boolean takesInterrupts,
        boolean takesInput,
        Input input,
        boolean alone,
        boolean setsUpInterrupts,
        boolean cascaded,
        Map<Integer, byte[]> output) {

    private static final byte[] NOTHING = {};

    public InterruptContext {
        lines = List.copyOf(lines);
        output = Map.copyOf(output);
    }

    /** Returns what the guest wrote to a port. */
    byte[] written(int port) {
        return output.getOrDefault(port, NOTHING);
    }

    /** What had become of what was typed. */
    public enum Input {
        /** Nothing was typed. */
        NONE,
        /** All of it was taken by a device. */
        READ,
        /** Some of it was not. */
        WAITING
    }
}
