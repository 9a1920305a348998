package dev.kvmguest.vmm.internal.engine;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What is due before a vCPU's next instruction. There are no NMIs: nothing in the machine raises them.
 *
 * @param shadow why no interrupt is taken yet
 * @param debugTraps for a #DB that is due after the last instruction, the bits of DR6 that say why; else 0
 * @param exception an exception that has not been delivered yet
 * @param interrupt the vector of an external interrupt that the host has injected and that has not been delivered yet
 */
public record EventState(
        InterruptShadow shadow, int debugTraps, Optional<PendingException> exception, OptionalInt interrupt) {

    /** Nothing is due. */
    public static final EventState NONE =
            new EventState(InterruptShadow.NONE, 0, Optional.empty(), OptionalInt.empty());

    /**
     * An exception that is about to be delivered.
     *
     * @param vector 0 to 31
     * @param errorCode its error code; empty if it pushes none
     * @param address what CR2 becomes when it is delivered; empty if CR2 is set already or stays
     * @param trap whether it came between two instructions, and not from the one at RIP
     * @param reason which check failed, in words, for people; empty if unknown
     */
    public record PendingException(
            int vector, OptionalInt errorCode, OptionalLong address, boolean trap, Optional<String> reason) {}
}
