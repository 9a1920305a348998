package dev.kvmguest.vmm.internal.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The x87, MMX and SSE registers, and whatever a processor has beyond them, in the layout that XSAVE writes in its
 * standard form (Intel SDM volume 1, 13.4): the image of FXSAVE (10.5.1), a header, and the components that XCR0 turns
 * on.
 */
public final class XsaveArea {

    // The image of FXSAVE, in bytes (Intel SDM volume 1, table 10-2).
    public static final int FCW = 0;
    public static final int FSW = 2;
    /** A bit for each physical register, set if it is in use. */
    public static final int FTW = 4;

    /** The offset of the last x87 instruction, all of 64 bits, as with REX.W: so it is what KVM reads and writes. */
    public static final int FIP = 8;
    /** In an image that is written without REX.W: the selector of that instruction, above 32 bits of its offset. */
    public static final int FCS = 12;
    /** The offset of its operand, as {@link #FIP}. */
    public static final int FDP = 16;

    public static final int FDS = 20;
    public static final int MXCSR = 24;
    public static final int MXCSR_MASK = 28;
    /** ST(0), or MM0; the others follow, each {@link #SLOT} bytes further. */
    public static final int ST0 = 32;
    /** XMM0; the others follow, each {@link #SLOT} bytes further. */
    public static final int XMM0 = 160;

    public static final int SLOT = 16;

    /** The last 48 bytes of FXSAVE's image, which are software's. */
    public static final int SOFTWARE = 464;

    /** XSTATE_BV, the first 8 bytes of the header: a bit for each component that is not in its initial state. */
    public static final int XSTATE_BV = 512;
    /** Bytes of FXSAVE's image and of the header. */
    public static final int MINIMUM_SIZE = XSTATE_BV + 64;

    /** The bit of XSTATE_BV and XCR0 for x87 and MMX. */
    public static final long X87 = 1;
    /** The bit of XSTATE_BV and XCR0 for the XMM registers. */
    public static final long SSE = 1 << 1;

    private final byte[] bytes;

    /** Copies the bytes from the buffer's position to its limit. */
    public XsaveArea(ByteBuffer area) {
        bytes = new byte[area.remaining()];
        area.duplicate().get(bytes);
        if (bytes.length < MINIMUM_SIZE) {
            throw new IllegalArgumentException(
                    "an XSAVE area has at least " + MINIMUM_SIZE + " bytes, not " + bytes.length);
        }
    }

    /** Returns the bytes, read-only and little-endian. */
    public ByteBuffer bytes() {
        return ByteBuffer.wrap(bytes).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns XSTATE_BV. */
    public long components() {
        return bytes().getLong(XSTATE_BV);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof XsaveArea that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Returns the words of eight bytes that aren't 0, with their offsets. */
    @Override
    public String toString() {
        ByteBuffer area = bytes();
        StringBuilder words = new StringBuilder();
        for (int i = 0; i + Long.BYTES <= area.limit(); i += Long.BYTES) {
            if (area.getLong(i) != 0) {
                words.append(words.length() == 0 ? "" : " ").append(i).append('=');
                words.append(Long.toHexString(area.getLong(i)));
            }
        }
        return words.toString();
    }
}
