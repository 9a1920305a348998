package dev.kvmguest.vmm.internal.boot.linux;

import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The option {@code vga=} of a command line, which is meant for the boot loader: the kernel's setup code would set that
 * video mode, and doesn't run. Graphics are always of 32 bits a pixel, whatever depth the mode has on a VGA.
 *
 * <p>Source: Linux, Documentation/arch/x86/boot.rst, "Special Command Line Options"; the numbers are those of
 * Documentation/fb/vesafb.rst and Documentation/admin-guide/svga.rst.
 *
 * @param mode the mode's number, as vid_mode of the setup header has it
 */
record VgaOption(int mode) {

    private static final String NAME = "vga=";

    private static final int NORMAL = 0xffff;
    private static final int TEXT_80_BY_25 = 0xf00;

    /** Modes that the protocol has words for. */
    private static final Map<String, Integer> WORDS = Map.of("normal", NORMAL, "ext", 0xfffe, "ask", 0xfffd);

    /** The sizes of VESA's modes, in the order of their numbers. */
    private static final List<Size> SIZES =
            List.of(new Size(640, 480), new Size(800, 600), new Size(1024, 768), new Size(1280, 1024));

    private static final int PALETTE_MODES = 0x301;
    /** A mode with a palette has the next number but one. */
    private static final int PALETTE_STEP = 2;

    private static final int COLOUR_MODES = 0x310;
    /** Each size has modes of 15, 16 and 24 bits. */
    private static final int COLOUR_STEP = 3;

    /** The memory of graphics is told in these units. */
    private static final int UNIT = 0x1_0000;

    private record Size(int width, int height) {}

    /**
     * Returns the option, of several the last one; empty without one.
     *
     * @throws IllegalArgumentException if the mode isn't one that this machine can have
     */
    static Optional<VgaOption> of(String commandLine) {
        return KernelOptions.last(commandLine, NAME).map(value -> new VgaOption(mode(value)));
    }

    private static int mode(String value) {
        int mode;
        try {
            mode = WORDS.containsKey(value) ? WORDS.get(value) : Integer.decode(value);
        } catch (NumberFormatException e) {
            throw refused(value);
        }
        if (mode != NORMAL && mode != TEXT_80_BY_25 && size(mode).isEmpty()) {
            throw refused(value);
        }
        return mode;
    }

    private static IllegalArgumentException refused(String value) {
        return new IllegalArgumentException(
                "option " + NAME + value + " of the command line asks for a video mode that this"
                        + " machine doesn't have; use vga=0x312 for graphics of 640 x 480, 0x315 for 800 x 600, 0x318 for"
                        + " 1024 x 768, 0x31b for 1280 x 1024, and vga=normal or no such option for the text screen");
    }

    private static Optional<Size> size(int mode) {
        int palette = mode - PALETTE_MODES;
        if (palette >= 0 && palette % PALETTE_STEP == 0 && palette / PALETTE_STEP < SIZES.size()) {
            return Optional.of(SIZES.get(palette / PALETTE_STEP));
        }
        int colour = mode - COLOUR_MODES;
        return colour >= 0 && colour / COLOUR_STEP < SIZES.size()
                ? Optional.of(SIZES.get(colour / COLOUR_STEP))
                : Optional.empty();
    }

    /**
     * Takes memory for a framebuffer; empty if the mode is the text screen's.
     *
     * @throws IllegalArgumentException if there is no room for it
     */
    Optional<LinearFramebuffer> takeFramebuffer(LayoutPlan plan) {
        return size(mode).map(size -> LinearFramebuffer.take(plan, size.width(), size.height(), UNIT));
    }
}
