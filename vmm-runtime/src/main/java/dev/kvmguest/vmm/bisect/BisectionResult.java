package dev.kvmguest.vmm.bisect;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The smallest part found of a bad image that makes a good one bad: without any one of its parts the good one stays
 * good.
 *
 * @param good the name of the good image
 * @param bad the name of the bad image
 * @param method what was exchanged
 * @param predicate what tells good from bad, to follow "bad is a guest that" in a sentence
 * @param parts what was exchanged in the end, in the order of addresses; at least one
 * @param goodOutcome how the good image ended
 * @param badOutcome how the bad image ended
 * @param exchanged how the good image ended with these parts of the bad one
 * @param instruction where it died, with the bad image's addresses and names if the part is a copied function; empty
 *     if it did not die of an exception, or if that isn't known
 * @param sameInstruction whether the bad image died at the same instruction
 * @param advice what is likely wrong and the way out, as sentences; empty if nothing is certain
 * @param othersToo whether the rest of what differs makes the good image bad as well, without these parts: there is a
 *     second reason
 * @param notExchanged the functions that differ and could not be exchanged, each with a colon and why
 * @param boots how many boots it took
 * @param time the time it took on the host's clock
 */
public record BisectionResult(
        String good,
        String bad,
        Method method,
        String predicate,
        List<Part> parts,
        Outcome goodOutcome,
        Outcome badOutcome,
        Outcome exchanged,
        Optional<GuestInstruction> instruction,
        boolean sameInstruction,
        List<String> advice,
        boolean othersToo,
        List<String> notExchanged,
        int boots,
        Duration time) {

    /** What is exchanged. */
    public enum Method {
        /** Bytes at equal addresses, of images that are laid out alike. */
        BYTES,
        /** Functions of one name, of images that are not. */
        FUNCTIONS
    }

    /**
     * A part of the bad image.
     *
     * @param name the function, object, section or segment
     * @param address the linear address of its first byte, in the bad image
     * @param source its source line in the bad image, such as {@code string.c:6}, if the image says
     * @param bytes how many bytes of the bad image it has; if bytes were exchanged, those that differ
     * @param replaced how many bytes of the good image it is in place of
     * @param changes the instructions that differ; empty if a function was exchanged as a whole
     * @param carried the functions that were copied with it, since it calls them and the good image can't have them
     *     called, by name
     */
    public record Part(
            String name,
            long address,
            Optional<String> source,
            int bytes,
            int replaced,
            List<Change> changes,
            List<String> carried) {

        public Part {
            changes = List.copyOf(changes);
            carried = List.copyOf(carried);
        }
    }

    /**
     * What a few bytes were and are.
     *
     * @param address the linear address of the first
     * @param good the instruction in the good image, or no text and the bytes where there is no instruction
     * @param bad the same in the good image with the parts of the bad one
     */
    public record Change(long address, GuestInstruction good, GuestInstruction bad) {}

    public BisectionResult {
        parts = List.copyOf(parts);
        advice = List.copyOf(advice);
        notExchanged = List.copyOf(notExchanged);
    }
}
