package dev.kvmguest.vmm.internal.boot.layout;

import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.outcome.Picture;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * Video memory that a boot loader hands over: part of RAM, 32 bits for each pixel, row by row without gaps. Of a
 * pixel's four bytes the first is blue, the second green, the third red; the last doesn't count.
 *
 * @param address the physical address of the pixel in the upper left corner, a multiple of 4096
 * @param width pixels in a row
 * @param height rows
 */
public record LinearFramebuffer(long address, int width, int height) {

    /** Pixels in a row, where a kernel doesn't ask for a number. */
    public static final int USUAL_WIDTH = 1024;

    /** Rows, where a kernel doesn't ask for a number. */
    public static final int USUAL_HEIGHT = 768;

    /** Bits of a pixel. */
    public static final int DEPTH = 32;

    /** Bits of each colour. */
    public static final int COLOUR_BITS = 8;

    /** The lowest bit of red in a pixel. */
    public static final int RED = 16;

    /** The lowest bit of green. */
    public static final int GREEN = 8;

    /** The lowest bit of blue. */
    public static final int BLUE = 0;

    /** The lowest bit of those that don't count, as many as a colour has. */
    public static final int UNUSED = 24;

    private static final int PAGE = 0x1000;
    private static final int MOST = 4096;

    /**
     * Takes memory for a framebuffer, as high below 4 GiB as there is room.
     *
     * @throws IllegalArgumentException if there is none, or a side isn't from 1 to 4096
     */
    public static LinearFramebuffer take(LayoutPlan plan, int width, int height) {
        return take(plan, width, height, 1);
    }

    /**
     * Takes memory for a framebuffer, and what is left free up to a multiple of {@code unit} bytes, a power of two. A
     * protocol that tells the size in such units tells of no memory that isn't the framebuffer's.
     *
     * @throws IllegalArgumentException as the other method
     */
    public static LinearFramebuffer take(LayoutPlan plan, int width, int height, int unit) {
        if (!isPossible(width, height)) {
            throw new IllegalArgumentException("a framebuffer of " + width + " x " + height
                    + " pixels can't be had; each side is from 1 to " + MOST + " pixels");
        }
        String name = "the framebuffer of " + width + " x " + height;
        long size = (long) height * pitch(width) + unit - 1 & -unit;
        return new LinearFramebuffer(plan.placeHigh(Kind.FRAMEBUFFER, name, size, PAGE), width, height);
    }

    /** Returns whether there are framebuffers with these sides. */
    public static boolean isPossible(int width, int height) {
        return width >= 1 && width <= MOST && height >= 1 && height <= MOST;
    }

    private static int pitch(int width) {
        return width * DEPTH / Byte.SIZE;
    }

    /** Returns the bytes from one row to the next. */
    public int pitch() {
        return pitch(width);
    }

    /** Returns what a guest has drawn; empty if memory is still zero, as the guest got it. */
    public Optional<Picture> picture(GuestMemory memory) {
        ByteBuffer bytes = ByteBuffer.wrap(memory.read(address, height * pitch()));
        int[] pixels = new int[width * height];
        bytes.order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(pixels);
        return Arrays.stream(pixels).anyMatch(pixel -> pixel != 0)
                ? Optional.of(Picture.of(width, height, pixels))
                : Optional.empty();
    }

    /** Returns the address after the last pixel. */
    public long end() {
        return address + (long) height * pitch();
    }
}
