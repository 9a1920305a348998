package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;

/**
 * Where a replay parted from what was recorded.
 *
 * @param exchanges how many exchanges had gone as recorded
 * @param eip where the guest was then in the replay
 * @param recorded what it did next when it was recorded, such as {@code wrote 0x41 to port 0xe9}
 * @param replayed what it did next in the replay
 * @param interruptsGuessed whether interrupts came where registers were as recorded, which may have been too early
 */
public record Divergence(long events, long eip, String recorded, String replayed, boolean interruptsGuessed) {

    /** Returns it in a sentence without a full stop, with the names that the image has for addresses. */
    public String sentence(String engine, GuestImage image) {
        String symbol =
                image.symbolWithOffset(eip).map(name -> " (" + name + ")").orElse("");
        return engine + " and the emulator part "
                + (events == 0 ? "at once" : "after " + events + (events == 1 ? " exchange" : " exchanges"))
                + ", at " + hex(eip) + symbol + ": on " + engine + " the guest " + recorded + ", on the emulator it "
                + replayed
                + (interruptsGuessed ? "; where its interrupts came is known by the registers only" : "");
    }
}
