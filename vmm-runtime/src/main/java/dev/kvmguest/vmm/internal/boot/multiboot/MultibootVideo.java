package dev.kvmguest.vmm.internal.boot.multiboot;

import dev.kvmguest.vmm.image.MultibootHeader.VideoMode;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * What a kernel that asks for a video mode is told of it: a framebuffer of the size that it prefers and always 32 bits
 * a pixel, or the text screen, if it prefers that or RAM has no room for the framebuffer. The specification allows
 * both: a header says only what is preferred.
 *
 * <p>Source: Multiboot Specification version 0.6.96, 3.1.4, "The graphics fields of Multiboot header", and 3.3,
 * "framebuffer_*".
 *
 * @param framebuffer the framebuffer; empty for the text screen
 */
record MultibootVideo(Optional<LinearFramebuffer> framebuffer) {

    private static final int TEXT_SCREEN = 0xb_8000;
    private static final int TEXT_COLUMNS = 80;
    private static final int TEXT_ROWS = 25;
    private static final int TEXT_DEPTH = 16;

    private static final byte RGB = 1;
    private static final byte TEXT = 2;

    /** Takes memory for what a kernel prefers, if there is room; else the layout has a warning. */
    static MultibootVideo take(LayoutPlan plan, VideoMode wanted) {
        if (wanted.type() != VideoMode.GRAPHICS) {
            return new MultibootVideo(Optional.empty());
        }
        try {
            return new MultibootVideo(Optional.of(LinearFramebuffer.take(
                    plan,
                    side(wanted.width(), LinearFramebuffer.USUAL_WIDTH),
                    side(wanted.height(), LinearFramebuffer.USUAL_HEIGHT))));
        } catch (IllegalArgumentException e) {
            plan.warn("the kernel asks for graphics and has the text screen instead: " + e.getMessage());
            return new MultibootVideo(Optional.empty());
        }
    }

    private static int side(long wanted, int usual) {
        return wanted == 0 ? usual : (int) Math.min(wanted, Integer.MAX_VALUE);
    }

    /** Puts it into the information, which begins with the block. */
    void put(ByteBuffer block) {
        framebuffer.ifPresentOrElse(
                graphics -> {
                    put(block, graphics.address(), graphics.pitch(), graphics.width(), graphics.height());
                    block.put(108, (byte) LinearFramebuffer.DEPTH).put(109, RGB);
                    // Red, green and blue: the position of the lowest bit, and the number of bits.
                    block.put(110, (byte) 16).put(111, (byte) 8);
                    block.put(112, (byte) 8).put(113, (byte) 8);
                    block.put(114, (byte) 0).put(115, (byte) 8);
                },
                () -> {
                    put(block, TEXT_SCREEN, 2 * TEXT_COLUMNS, TEXT_COLUMNS, TEXT_ROWS);
                    block.put(108, (byte) TEXT_DEPTH).put(109, TEXT);
                });
    }

    private static void put(ByteBuffer block, long address, int pitch, int width, int height) {
        block.putLong(88, address).putInt(96, pitch).putInt(100, width).putInt(104, height);
    }
}
