package dev.kvmguest.vmm.diagnosis;

import dev.kvmguest.vmm.image.GuestImage;
import java.util.Locale;
import java.util.Optional;

/**
 * How often a guest entered the handler of an exception that arose at one place, of an interrupt, or of INT n.
 *
 * @param kind what entered the handler
 * @param vector 0 to 255
 * @param at the instruction that raised the exception; empty for interrupts, which may come anywhere, for INT n, and
 *     for exceptions at too many places to list
 * @param times how often, at least once
 */
public record TakenEvent(Kind kind, int vector, Optional<GuestInstruction> at, long times) {

    /** What enters a handler. */
    public enum Kind {
        /** An exception; INT3, INTO and INT1 raise exceptions, too. */
        EXCEPTION,
        /** An interrupt of a device. */
        INTERRUPT,
        /** INT n, by which programs call kernels. */
        SOFTWARE;

        /** Returns the name in reports, such as {@code exception}. */
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Returns what it was, such as {@code #PF}, {@code interrupt 32} or {@code INT 128}. */
    public String name() {
        return switch (kind) {
            case EXCEPTION -> Fault.Event.name(vector);
            case INTERRUPT -> "interrupt " + vector;
            case SOFTWARE -> "INT " + vector;
        };
    }

    /** Returns a copy with the image's names for the instruction; {@code image} is the guest's. */
    public TakenEvent namedBy(GuestImage image) {
        return new TakenEvent(kind, vector, at.map(instruction -> instruction.namedBy(image)), times);
    }
}
