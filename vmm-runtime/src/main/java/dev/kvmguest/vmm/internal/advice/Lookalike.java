package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.x86.PageEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What a number looks like that was used as an address and is none.
 *
 * @param what the same in words, to follow the number
 * @param remedy what to look for
 */
record Lookalike(String what, String remedy) {

    /** Bits of an address that is canonical in the lower half, and the one that sign extension begins with. */
    private static final int SIGN = 47;

    private static final long LOW_32 = 0xffff_ffffL;
    private static final int LETTERS = 5;
    /** Bits 62 to 52 and 51 to 48 of a page-table entry, of which a kernel without protection keys sets none. */
    private static final long UNUSED_OF_ENTRY = 0x7fff_0000_0000_0000L;

    /** Numbers that are known for what programmers fill memory with. */
    private static final List<Integer> FILLINGS =
            List.of(0xdeadbeef, 0xdeadc0de, 0xdeadcafe, 0xbaadf00d, 0xfeedface, 0xcafebabe, 0xfeeefeee, 0x0badc0de);

    /** Returns what a number that is no canonical address looks like; empty if it looks like nothing that is known. */
    static Optional<Lookalike> of(Evidence evidence, long value) {
        return ofContent(value)
                .or(() -> withoutSign(evidence, value))
                .or(() -> entry(evidence, value))
                .or(() -> moved(evidence, value))
                .or(() -> halves(evidence, value));
    }

    /** Returns what else than an address a number is by its bytes: text, or what memory is filled with. */
    static Optional<Lookalike> ofContent(long value) {
        return text(value).or(() -> filling(value));
    }

    private static Optional<Lookalike> text(long value) {
        byte[] bytes = ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        int length = 0;
        while (length < bytes.length && bytes[length] >= ' ' && bytes[length] < 0x7f) {
            length++;
        }
        boolean zeros = length == Long.BYTES || value >>> Byte.SIZE * length == 0;
        return length >= LETTERS && zeros
                ? Optional.of(new Lookalike(
                        "the text \"" + new String(bytes, 0, length, StandardCharsets.US_ASCII) + "\"",
                        "look for a text that was copied past the end of an array"))
                : Optional.empty();
    }

    private static Optional<Lookalike> filling(long value) {
        int low = (int) value;
        int high = (int) (value >>> Integer.SIZE);
        String remedy = "look for what is used after it was freed, or before it was set";
        int octet = low & 0xff;
        boolean fills = octet != 0 && octet != 0xff && low == octet * 0x0101_0101;
        if (fills && (high == low || high == 0)) {
            return Optional.of(new Lookalike(
                    "the byte " + hex(octet) + (high == 0 ? " four" : " eight")
                            + " times, which free or new memory is often filled with",
                    remedy));
        }
        return FILLINGS.stream()
                .filter(filling -> filling == high || filling == low)
                .findFirst()
                .map(filling -> new Lookalike(
                        (value == Integer.toUnsignedLong(filling)
                                        ? "a number that"
                                        : "a number with " + hex(Integer.toUnsignedLong(filling)) + ", which")
                                + " free or new memory is often filled with",
                        remedy));
    }

    private static Optional<Lookalike> withoutSign(Evidence evidence, long value) {
        long full = value << Long.SIZE - SIGN - 1 >> Long.SIZE - SIGN - 1;
        return value >>> SIGN == 1 && evidence.memory().isMapped(full)
                ? Optional.of(new Lookalike(
                        hex(full) + evidence.symbol(full) + " without its upper 16 bits",
                        "look for a mask or a bit field of 48 bits: bit 47 has to be copied to the bits above it"))
                : Optional.empty();
    }

    private static Optional<Lookalike> entry(Evidence evidence, long value) {
        return (value & (PageEntry.NO_EXECUTE | PageEntry.PRESENT)) == (PageEntry.NO_EXECUTE | PageEntry.PRESENT)
                        && (value & UNUSED_OF_ENTRY) == 0
                        && evidence.memory().ram().contains(value & ~PageEntry.NO_EXECUTE)
                ? Optional.of(
                        new Lookalike(
                                "a page-table entry with bit 63, NX",
                                "mask the bits of an entry that are no address, 63 to 52 and 11 to 0, before it is used as one"))
                : Optional.empty();
    }

    private static Optional<Lookalike> moved(Evidence evidence, long value) {
        return IntStream.iterate(Byte.SIZE, bits -> bits <= Integer.SIZE, bits -> bits + Byte.SIZE)
                .filter(bits -> isKnown(evidence, value >>> bits))
                .mapToObj(bits -> new Lookalike(
                        hex(value >>> bits) + evidence.symbol(value >>> bits) + " moved up by " + bits + " bits",
                        "look for a pointer that is read " + bits / Byte.SIZE + " bytes before its place"))
                .findFirst();
    }

    private static Optional<Lookalike> halves(Evidence evidence, long value) {
        return isKnown(evidence, value & LOW_32)
                ? Optional.of(
                        new Lookalike(
                                hex(value & LOW_32) + evidence.symbol(value & LOW_32) + " with "
                                        + hex(value >>> Integer.SIZE) + " in its upper 32 bits",
                                "look for a pointer that is stored in 32 bits and read with 64, and for an overwritten upper half"))
                : Optional.empty();
    }

    /** Returns whether a number is one of the image's addresses. */
    private static boolean isKnown(Evidence evidence, long value) {
        return evidence.image().loadedAt(value).isPresent();
    }
}
