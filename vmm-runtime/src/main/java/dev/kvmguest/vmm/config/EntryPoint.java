package dev.kvmguest.vmm.config;

import dev.kvmguest.vmm.text.Notation;
import java.util.OptionalInt;

/**
 * Where a guest starts: a linear address, or in real mode a segment and an offset in it.
 *
 * @param segment the real-mode segment, 0 to 0xffff; empty for a linear address
 * @param offset the offset in the segment, 0 to 0xffff, or the linear address, 0 to 0xffffffff
 */
public record EntryPoint(OptionalInt segment, long offset) {

    public EntryPoint {
        if (segment.isPresent() && (segment.getAsInt() < 0 || segment.getAsInt() > 0xffff)) {
            throw new IllegalArgumentException(
                    "entry segment " + Notation.hex(segment.getAsInt()) + " is not between 0 and 0xffff");
        }
        long last = segment.isPresent() ? 0xffffL : 0xffff_ffffL;
        if (offset < 0 || offset > last) {
            throw new IllegalArgumentException("entry " + (segment.isPresent() ? "offset " : "") + Notation.hex(offset)
                    + " is not between 0 and " + Notation.hex(last));
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
     * Parses {@code 0x80001000} or {@code 0x1000:0x0}.
     *
     * @throws IllegalArgumentException if it is neither, or a part is out of range
     */
    public static EntryPoint parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            return linear(Notation.parseAddress("entry", text));
        }
        long segment = Notation.parseAddress("entry segment", text.substring(0, colon));
        if (segment > 0xffff) {
            throw new IllegalArgumentException(
                    "entry \"" + text + "\": segment " + Notation.hex(segment) + " is not between 0 and 0xffff");
        }
        return new EntryPoint(
                OptionalInt.of((int) segment), Notation.parseAddress("entry offset", text.substring(colon + 1)));
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
