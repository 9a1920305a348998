package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.image.GuestImage;
import java.util.Optional;

/**
 * Where a replay parted from what was recorded.
 *
 * @param events how many exchanges had gone as recorded
 * @param at the instruction that the guest was at then in the replay, without names
 * @param recorded what it did next when it was recorded, such as {@code wrote 0x41 to port 0xe9}
 * @param replayed what it did next in the replay
 * @param interruptsGuessed whether interrupts came where registers were as recorded, which may have been too early
 */
public record Divergence(
        long events, GuestInstruction at, String recorded, String replayed, boolean interruptsGuessed) {

    /** Returns it with its instruction, both with the names that the image has. */
    public Parting parting(String engine, GuestImage image) {
        return new Parting(sentence(engine, image), Optional.of(at.namedBy(image)));
    }

    /** Returns it in a sentence without a full stop, with the names that the image has for addresses. */
    public String sentence(String engine, GuestImage image) {
        String symbol =
                image.symbolWithOffset(at.eip()).map(name -> " (" + name + ")").orElse("");
        return engine + " and the emulator part "
                + (events == 0 ? "at once" : "after " + events + (events == 1 ? " exchange" : " exchanges"))
                + ", at " + hex(at.eip()) + symbol + ": on " + engine + " the guest " + recorded
                + ", on the emulator it "
                + replayed
                + (interruptsGuessed ? "; where its interrupts came is known by the registers only" : "");
    }
}
