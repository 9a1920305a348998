package dev.kvmguest.vmm.internal.advice.past;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Recognizes a real-mode guest that looked for its text beside its image, since its assembler was told another origin
 * than DS and the place of the image say (ORG, {@code -Ttext}).
 *
 * <p>Silent unless an instruction loads the very offset, a text of the image begins at that offset from the right
 * origin, and the register is still within its length after it; and where DS may have been another one then.
 */
final class WrongOrigin {

    private static final int SHORTEST = 4;
    private static final int LONGEST = 256;
    /** MOV of a number of 16 bits, by the register's number: those that code of 16 bits can use as pointers. */
    private static final int MOV = 0xb8;

    private static final Map<Integer, Register> POINTERS =
            Map.of(3, Register.RBX, 5, Register.RBP, 6, Register.RSI, 7, Register.RDI);

    private static final int BYTES = 3;

    private static final int MOV_TO_SEGMENT = 0x8e;
    private static final int DS = 3;
    private static final int POP_DS = 0x1f;

    private WrongOrigin() {}

    /** A text was read where there is none, and is where another origin has it. */
    static Optional<String> ofText(PastEvidence evidence) {
        if (evidence.registers().protectedMode()
                || evidence.image().segments().size() != 1
                || changesDs(evidence.image().segments().get(0).data())) {
            return Optional.empty();
        }
        Segment image = evidence.image().segments().get(0);
        byte[] code = image.data();
        for (int i = 0; i + BYTES <= code.length; i++) {
            Register pointer = POINTERS.get((code[i] & 0xff) - MOV);
            if (pointer != null) {
                int offset = code[i + 1] & 0xff | (code[i + 2] & 0xff) << 8;
                Optional<String> found = explained(evidence, image, image.physicalAddress() + i, pointer, offset);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<String> explained(
            PastEvidence evidence, Segment image, long at, Register pointer, int offset) {
        long base = evidence.registers().segment(SegmentRegister.DS).base();
        long read = base + offset;
        if (base != 0 && base != image.physicalAddress() || isIn(image, read) || !wentOn(evidence, pointer, offset)) {
            return Optional.empty();
        }
        Set<Long> origins = new TreeSet<>(List.of(0L, image.physicalAddress()));
        origins.remove(base);
        return origins.stream()
                .filter(origin ->
                        isTextAt(image, origin + offset) && !isCopied(evidence, read, text(image, origin + offset)))
                .findFirst()
                .map(origin -> "the text that the instruction at " + hex(at) + " points to, by " + hex(offset)
                        + ", was read from " + hex(read) + ", outside the image, as DS is " + hex(base >> 4) + "; at "
                        + hex(origin + offset) + " there is one, \"" + text(image, origin + offset)
                        + "\": the origin that the code is assembled for (ORG, -Ttext) and 16 times DS must add up to "
                        + hex(image.physicalAddress()) + ", where the image was loaded");
    }

    /** Returns whether code loads DS more than once, so that it may be another one now than where the text was read. */
    private static boolean changesDs(byte[] code) {
        int loads = 0;
        for (int i = 0; i + 1 < code.length; i++) {
            boolean moves = (code[i] & 0xff) == MOV_TO_SEGMENT && (code[i + 1] >> 3 & 7) == DS;
            loads += moves ? 1 : code[i] == POP_DS ? 2 : 0;
        }
        return loads > 1;
    }

    /** Returns whether a register has been moved through something that begins at an offset. */
    private static boolean wentOn(PastEvidence evidence, Register pointer, int offset) {
        long value = evidence.registers().get(pointer) & 0xffff;
        return value >= offset && value <= offset + LONGEST;
    }

    /** Returns whether a guest has the text where it looked for it, as one that has copied itself does. */
    private static boolean isCopied(PastEvidence evidence, long read, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return evidence.memory()
                .read(read, bytes.length)
                .filter(found -> Arrays.equals(found, bytes))
                .isPresent();
    }

    private static boolean isIn(Segment image, long address) {
        return address >= image.physicalAddress() && address < image.physicalAddress() + image.data().length;
    }

    /** Returns whether a text begins at an address: letters that nothing of the kind is before. */
    private static boolean isTextAt(Segment image, long address) {
        return isIn(image, address)
                && text(image, address).length() >= SHORTEST
                && text(image, address).chars().filter(Character::isLetter).count() * 2
                        > text(image, address).length()
                && !(isIn(image, address - 1) && isPrintable(image, address - 1));
    }

    private static String text(Segment image, long address) {
        long end = address;
        while (isIn(image, end) && isPrintable(image, end) && end - address < LONGEST) {
            end++;
        }
        int from = (int) (address - image.physicalAddress());
        return new String(image.data(), from, (int) (end - address), StandardCharsets.US_ASCII);
    }

    private static boolean isPrintable(Segment image, long address) {
        byte value = image.data()[(int) (address - image.physicalAddress())];
        return value >= ' ' && value < 0x7f;
    }
}
