package dev.kvmguest.vmm.config;

import dev.kvmguest.vmm.text.Notation;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * Where a guest starts: a linear address, or in real mode a segment and an offset in it.
 *
 * @param segment the real-mode segment, 0 to 0xffff; empty for a linear address
 * @param offset the offset in the segment, 0 to 0xffff, or the linear address, 64 bits; above 0xffffffff only in
 *     {@link BootMode#LONG}
 */
public record EntryPoint(OptionalInt segment, long offset) {

    private static final Pattern BARE_HEX = Pattern.compile("\\s*[0-9a-fA-F]+\\s*");

    public EntryPoint {
        if (segment.isPresent() && (segment.getAsInt() < 0 || segment.getAsInt() > 0xffff)) {
            throw new IllegalArgumentException(
                    "entry segment " + Notation.hex(segment.getAsInt()) + " is not between 0 and 0xffff");
        }
        if (segment.isPresent() && (offset < 0 || offset > 0xffff)) {
            throw new IllegalArgumentException("entry offset " + Notation.hex(offset) + " is not between 0 and 0xffff");
        }
    }

    /** Returns the entry at a linear address. */
    public static EntryPoint linear(long address) {
        return new EntryPoint(OptionalInt.empty(), address);
    }

    /** Returns the real-mode entry at {@code segment:offset}. */
    public static EntryPoint segmented(int segment, int offset) {
        return new EntryPoint(OptionalInt.of(segment), offset);
    }

    /**
     * Returns the real-mode entry at a linear address below 1 MiB, in the segment that begins where an image does, so
     * that all of its first 64 KiB are in it.
     *
     * @param address the linear address
     * @param load the image's first byte
     * @return empty if the address is before the image, too far after its start, or not below 1 MiB
     */
    public static Optional<EntryPoint> reaching(long address, long load) {
        long offset = address - (load & -16L);
        return load <= address && offset <= 0xffff && address <= 0xf_ffff
                ? Optional.of(segmented((int) (load >> 4), (int) offset))
                : Optional.empty();
    }

    /**
     * Parses {@code 0x80001000}, {@code 0x1000:0x0} or {@code F000:0045}. A segment and an offset of which neither has
     * {@code 0x} are hexadecimal, as everybody writes them.
     *
     * @throws IllegalArgumentException if it is neither, or a part is out of range
     */
    public static EntryPoint parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            return linear(Notation.parseLinearAddress("entry", text));
        }
        String segmentText = text.substring(0, colon);
        String offsetText = text.substring(colon + 1);
        if (BARE_HEX.matcher(segmentText).matches()
                && BARE_HEX.matcher(offsetText).matches()) {
            segmentText = "0x" + segmentText.trim();
            offsetText = "0x" + offsetText.trim();
        }
        long segment = Notation.parseAddress("entry segment", segmentText);
        if (segment > 0xffff) {
            throw new IllegalArgumentException(
                    "entry \"" + text + "\": segment " + Notation.hex(segment) + " is not between 0 and 0xffff");
        }
        return new EntryPoint(OptionalInt.of((int) segment), Notation.parseAddress("entry offset", offsetText));
    }

    /** Returns the linear address: {@code segment * 16 + offset}, or the offset if there is no segment. */
    public long linearAddress() {
        return segment.orElse(0) * 16L + offset;
    }

    /** Returns the form that {@link #parse} reads. */
    @Override
    public String toString() {
        String end = Notation.hex(offset);
        return segment.isPresent() ? Notation.hex(segment.getAsInt()) + ":" + end : end;
    }
}
