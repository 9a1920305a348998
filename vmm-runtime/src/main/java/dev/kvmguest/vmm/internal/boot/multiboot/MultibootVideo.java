package dev.kvmguest.vmm.internal.boot.multiboot;

import dev.kvmguest.vmm.image.MultibootHeader.VideoMode;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.outcome.Screen;
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
                    putColour(block, 110, LinearFramebuffer.RED);
                    putColour(block, 112, LinearFramebuffer.GREEN);
                    putColour(block, 114, LinearFramebuffer.BLUE);
                },
                () -> {
                    put(block, Screen.MEMORY, 2 * Screen.COLUMNS, Screen.COLUMNS, Screen.ROWS);
                    block.put(108, (byte) TEXT_DEPTH).put(109, TEXT);
                });
    }

    private static void putColour(ByteBuffer block, int offset, int lowestBit) {
        block.put(offset, (byte) lowestBit).put(offset + 1, (byte) LinearFramebuffer.COLOUR_BITS);
    }

    private static void put(ByteBuffer block, long address, int pitch, int width, int height) {
        block.putLong(88, address).putInt(96, pitch).putInt(100, width).putInt(104, height);
    }
}
