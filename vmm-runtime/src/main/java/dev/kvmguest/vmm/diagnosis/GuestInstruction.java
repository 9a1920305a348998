package dev.kvmguest.vmm.diagnosis;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.text.Notation;
import java.util.Optional;

/**
 * An instruction of a guest.
 *
 * @param eip its offset in the code segment
 * @param bytes its bytes; empty if they could not be fetched
 * @param text its disassembly in Intel syntax; empty if it could not be fetched
 * @param symbol the function that it is in, such as {@code memset+0x1f}, if the image says
 * @param source its line, such as {@code common.c:6}, if the image says
 */
public record GuestInstruction(long eip, byte[] bytes, String text, Optional<String> symbol, Optional<String> source) {

    /** Returns the instruction as part of a sentence, such as {@code div ecx at 0x1005 (main+0x5)}. */
    public String inWords() {
        return text + " at " + Notation.hex(eip)
                + symbol.map(function -> " (" + function + ")").orElse("");
    }

    /** Returns a copy with the image's names for it. */
    public GuestInstruction namedBy(GuestImage image) {
        return new GuestInstruction(eip, bytes, text, image.symbolWithOffset(eip), image.sourceAt(eip));
    }
}
