package dev.kvmguest.vmm.image;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A text in a section of debug information that ends with a zero byte.
 *
 * <p>It is decoded on request: in a damaged file thousands of names may lie in one long text.
 *
 * @param section the bytes around it, up to the limit
 * @param offset its first byte, from the section's start; may lie outside
 */
record DwarfText(ByteBuffer section, long offset) {

    private static final int LONGEST = 4096;

    /** Returns whether there is nothing before the zero byte. */
    boolean isEmpty() {
        return offset < section.limit() && section.get((int) offset) == 0;
    }

    /** Returns the text; none if it is empty, lies outside of the section, or doesn't end. */
    Optional<String> decode() {
        long limit = Math.min(section.limit(), offset + LONGEST);
        for (long end = offset; end < limit; end++) {
            if (section.get((int) end) == 0) {
                byte[] bytes = new byte[(int) (end - offset)];
                section.get((int) offset, bytes);
                return Optional.of(new String(bytes, StandardCharsets.UTF_8)).filter(text -> !text.isEmpty());
            }
        }
        return Optional.empty();
    }
}
