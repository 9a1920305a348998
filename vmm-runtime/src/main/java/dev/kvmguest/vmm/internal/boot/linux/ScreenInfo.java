package dev.kvmguest.vmm.internal.boot.linux;

import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * What a kernel is told of its screen: mode 3 of a VGA, with the cursor in the upper left corner, or a framebuffer.
 *
 * <p>Source: Linux, Documentation/arch/x86/zero-page.rst, and struct screen_info of
 * include/uapi/linux/screen_info.h.
 *
 * @param framebuffer the framebuffer; empty for the text screen
 */
record ScreenInfo(Optional<LinearFramebuffer> framebuffer) {

    private static final int TYPE = 0x0f;
    /** VIDEO_TYPE_VGAC: text of a colour VGA. */
    private static final byte TEXT = 1;
    /** VIDEO_TYPE_VLFB: linear video memory, as VESA's. */
    private static final byte LINEAR = 0x23;

    private static final int UNIT_SHIFT = 16;
    private static final int UNIT = 1 << UNIT_SHIFT;

    /** Puts it into boot_params, which begins with it. */
    void put(ByteBuffer page) {
        page.put(0x06, (byte) 3)
                .put(0x07, (byte) Screen.COLUMNS)
                // A colour screen, and 256 KiB of video memory.
                .putShort(0x0a, (short) 3)
                .put(0x0e, (byte) Screen.ROWS)
                .put(TYPE, TEXT)
                .putShort(0x10, (short) 16);
        framebuffer.ifPresent(graphics -> put(page, graphics));
    }

    private static void put(ByteBuffer page, LinearFramebuffer graphics) {
        long size = graphics.end() - graphics.address();
        page.put(TYPE, LINEAR)
                .putShort(0x12, (short) graphics.width())
                .putShort(0x14, (short) graphics.height())
                .putShort(0x16, (short) LinearFramebuffer.DEPTH)
                .putInt(0x18, (int) graphics.address())
                .putInt(0x1c, (int) (size + UNIT - 1 >> UNIT_SHIFT))
                .putShort(0x24, (short) graphics.pitch());
        putField(page, 0x26, LinearFramebuffer.RED);
        putField(page, 0x28, LinearFramebuffer.GREEN);
        putField(page, 0x2a, LinearFramebuffer.BLUE);
        putField(page, 0x2c, LinearFramebuffer.UNUSED);
    }

    private static void putField(ByteBuffer page, int offset, int lowestBit) {
        page.put(offset, (byte) LinearFramebuffer.COLOUR_BITS).put(offset + 1, (byte) lowestBit);
    }
}
