package dev.kvmguest.vmm.diagnosis;

import dev.kvmguest.vmm.image.GuestImage;

/**
 * An exception that a guest took: its handler was entered.
 *
 * @param exception which one, with its error code and address
 * @param at the instruction that raised it; for a single step or a data breakpoint the next one
 */
public record HandledException(Fault.Event exception, GuestInstruction at) {

    /** Returns a copy with the image's names for the instruction. */
    public HandledException namedBy(GuestImage image) {
        return new HandledException(exception, at.namedBy(image));
    }
}
