package dev.kvmguest.vmm.internal.boot.plain;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;

/**
 * A real-mode stack.
 *
 * @param segment SS
 * @param pointer SP; 0 is the top of a whole segment, from which the first push wraps
 */
record RealModeStack(int segment, int pointer) {

    /** Room for a few interrupt frames until the guest sets up its own stack. */
    static final long SMALLEST = 0x100;

    private static final long SEGMENT_SIZE = 0x1_0000;
    private static final long PARAGRAPH = 16;
    /** What firmware left below is no place for a stack. */
    private static final long LOWEST_END = LowMemory.END + SMALLEST;

    /**
     * Returns the stack for real mode. It is in the segment of the entry if the image leaves room there: just below the
     * image or, if that is no place, at the top of the segment or of RAM, whichever comes first. An image that fills
     * its segment has it in another one: just below the image or, if firmware's data is there, after it.
     */
    static RealModeStack of(PlacedGuest guest, long memorySize) {
        GuestImage image = guest.image();
        int segment = guest.entry().segment().orElse(0);
        long base = segment * 16L;
        long below = image.physicalStart() - base & ~1L;
        if (below >= SMALLEST && base + below >= LOWEST_END) {
            return new RealModeStack(segment, (int) below);
        }
        long top = Math.min(SEGMENT_SIZE, memorySize - base);
        if (image.physicalEnd() <= base + top - SMALLEST) {
            return new RealModeStack(segment, (int) (top % SEGMENT_SIZE));
        }
        long end = image.physicalStart() & -PARAGRAPH;
        if (end >= LOWEST_END) {
            return endingAt(end);
        }
        long after = image.physicalEnd() + PARAGRAPH - 1 & -PARAGRAPH;
        long room = Math.min(SEGMENT_SIZE, Math.min(memorySize, LayoutPlan.HOLE.start()) - after);
        if (room >= SMALLEST) {
            return new RealModeStack((int) (after / PARAGRAPH), (int) (room % SEGMENT_SIZE));
        }
        throw new IllegalArgumentException("image " + image.name() + " at " + hex(image.physicalStart()) + "-"
                + hex(image.physicalEnd() - 1) + " leaves no room for a stack that real mode reaches; "
                + roomFor(image, memorySize, after));
    }

    /** Returns how there would be room: below the image or after it. */
    private static String roomFor(GuestImage image, long memorySize, long after) {
        String higher = "load it at " + hex(LOWEST_END) + " or higher";
        if (LOWEST_END + image.physicalEnd() - image.physicalStart() <= memorySize) {
            return higher;
        }
        boolean isRoomAfter = after + SMALLEST <= LayoutPlan.HOLE.start();
        return "give the guest more memory" + (isRoomAfter ? "" : ", and " + higher);
    }

    /** Returns the linear address after its last byte. */
    long end() {
        return segment * 16L + (pointer == 0 ? SEGMENT_SIZE : pointer);
    }

    /** Returns the stack that ends at an address, in the segment of which that is the end or the lowest one. */
    private static RealModeStack endingAt(long end) {
        return end < SEGMENT_SIZE
                ? new RealModeStack(0, (int) end)
                : new RealModeStack((int) (end - SEGMENT_SIZE) / 16, 0);
    }
}
