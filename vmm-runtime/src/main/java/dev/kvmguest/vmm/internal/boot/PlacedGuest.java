package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;

/**
 * An image at its final place, with its entry point.
 *
 * @param image the image, its physical addresses final
 * @param boot the state at entry
 * @param entry where it starts, with a segment only in real mode
 */
record PlacedGuest(GuestImage image, BootMode boot, EntryPoint entry) {

    private static final long SEGMENT_SIZE = 0x1_0000;
    private static final long LAST_SEGMENT = 0xf_0000;
    private static final long PARAGRAPH = 16;
    /** Room for a few interrupt frames until the guest sets up its own stack. */
    private static final long SMALLEST_STACK = 0x100;
    /** What firmware left below is no place for a stack. */
    private static final long LOWEST_STACK_END = LowMemory.END + SMALLEST_STACK;

    /** Places a guest that has the machine to itself. */
    static PlacedGuest of(VcpuConfig config) {
        CodeWidth.require(config.image(), config.boot());
        if (config.boot() == BootMode.MULTIBOOT) {
            return multiboot(config);
        }
        GuestImage image = config.image();
        BootMode boot = config.boot();
        boolean flat = image.format() == GuestImage.Format.FLAT;
        if (config.load().isPresent() || flat) {
            image = image.movedTo(flat ? config.flatLoad() : config.load().getAsLong());
        } else if (boot.paging()) {
            image = mappedDown(image, boot);
        }
        return entered(image, config);
    }

    /** Segments linked without load addresses of their own go where the boot map shows them. */
    private static GuestImage mappedDown(GuestImage image, BootMode boot) {
        return image.withSegments(image.segments().stream()
                .map(segment -> isInHighMap(segment.physicalAddress(), boot)
                        ? segment.movedTo(segment.physicalAddress() - boot.kernelBase())
                        : segment)
                .toList());
    }

    /** Returns whether a linear address is one at which the boot mode maps low memory a second time. */
    private static boolean isInHighMap(long linear, BootMode boot) {
        return Long.compareUnsigned(linear, boot.kernelBase()) >= 0;
    }

    private static PlacedGuest multiboot(VcpuConfig config) {
        GuestImage original = config.image();
        GuestImage image = MultibootImage.place(original, MultibootHeader.find(original.name(), original.file()));
        if (config.load().isPresent() && config.load().getAsLong() != image.physicalStart()) {
            throw new IllegalArgumentException("load " + hex(config.load().getAsLong()) + " contradicts image "
                    + image.name() + ", which says itself that it is to be loaded at " + hex(image.physicalStart())
                    + "; leave load out, or link the image for that address");
        }
        return entered(image, config);
    }

    private static PlacedGuest entered(GuestImage image, VcpuConfig config) {
        BootMode boot = config.boot();
        PlacedGuest placed = new PlacedGuest(
                image, boot, config.entry().isPresent() ? config.entry().get() : defaultEntry(image, boot));
        placed.requireUsableEntry(config);
        return placed;
    }

    private static EntryPoint defaultEntry(GuestImage image, BootMode boot) {
        // A flat image of long mode is entered where it is loaded, by the map of each address to itself.
        long base = boot == BootMode.LONG ? 0 : boot.kernelBase();
        long entry = image.entry().orElse(base + image.physicalStart());
        if (image.entry().isEmpty() && boot != BootMode.LONG && entry > 0xffff_ffffL) {
            throw new IllegalArgumentException("load " + hex(image.physicalStart())
                    + " is beyond what is mapped when a guest is entered in boot mode " + boot);
        }
        return EntryPoint.linear(entry);
    }

    /**
     * Places a guest that shares the machine with others. One that is linked for a segment of its own, with the entry
     * SEG:OFF and the image at or above SEG:0, gets the 64 KiB segment of its vCPU, 0x10000 for the first; any other
     * stays where it says.
     */
    static PlacedGuest amongOthers(VcpuConfig config, int vcpu) {
        PlacedGuest alone = of(config);
        if (alone.entry.segment().isEmpty()) {
            return alone;
        }
        long from = alone.entry.segment().getAsInt() * 16L;
        long to = SEGMENT_SIZE * (vcpu + 1);
        if (alone.image.physicalStart() < from || alone.image.physicalEnd() > from + SEGMENT_SIZE) {
            return alone;
        }
        if (to > LAST_SEGMENT) {
            throw new IllegalArgumentException("vCPU " + vcpu + " has no segment of its own left for image "
                    + config.image().name() + ": real mode reaches 15 of 64 KiB, from 0x10000 to 0xfffff");
        }
        GuestImage moved = alone.image.movedTo(alone.image.physicalStart() - from + to);
        return new PlacedGuest(moved, alone.boot, EntryPoint.segmented((int) (to / 16), (int) alone.entry.offset()));
    }

    /** Takes the image's memory. */
    void take(LayoutPlan layout) {
        for (GuestImage.Segment segment : image.segments()) {
            long dataEnd = segment.physicalAddress() + segment.data().length;
            if (segment.data().length > 0) {
                layout.takeImage(Kind.IMAGE, "image " + image.name(), segment.physicalAddress(), dataEnd);
            }
            if (dataEnd < segment.physicalEnd()) {
                layout.takeImage(Kind.BSS, "the BSS of image " + image.name(), dataEnd, segment.physicalEnd());
            }
        }
    }

    /**
     * A real-mode stack.
     *
     * @param segment SS
     * @param pointer SP; 0 is the top of a whole segment, from which the first push wraps
     */
    record RealModeStack(int segment, int pointer) {

        /** Returns the linear address after its last byte. */
        long end() {
            return segment * 16L + (pointer == 0 ? SEGMENT_SIZE : pointer);
        }

        /** Returns the stack that ends at an address, in the segment of which that is the end or the lowest one. */
        static RealModeStack endingAt(long end) {
            return end < SEGMENT_SIZE
                    ? new RealModeStack(0, (int) end)
                    : new RealModeStack((int) (end - SEGMENT_SIZE) / 16, 0);
        }
    }

    /**
     * Returns the stack for real mode. It is in the segment of the entry if the image leaves room there: just below the
     * image or, if that is no place, at the top of the segment or of RAM, whichever comes first. An image that fills
     * its segment has it in another one: just below the image or, if firmware's data is there, after it.
     */
    RealModeStack realModeStack(long memorySize) {
        int segment = entry.segment().orElse(0);
        long base = segment * 16L;
        long below = image.physicalStart() - base & ~1L;
        if (below >= SMALLEST_STACK && base + below >= LOWEST_STACK_END) {
            return new RealModeStack(segment, (int) below);
        }
        long top = Math.min(SEGMENT_SIZE, memorySize - base);
        if (image.physicalEnd() <= base + top - SMALLEST_STACK) {
            return new RealModeStack(segment, (int) (top % SEGMENT_SIZE));
        }
        long end = image.physicalStart() & -PARAGRAPH;
        if (end >= LOWEST_STACK_END) {
            return RealModeStack.endingAt(end);
        }
        long after = image.physicalEnd() + PARAGRAPH - 1 & -PARAGRAPH;
        long room = Math.min(SEGMENT_SIZE, Math.min(memorySize, LayoutPlan.HOLE.start()) - after);
        if (room >= SMALLEST_STACK) {
            return new RealModeStack((int) (after / PARAGRAPH), (int) (room % SEGMENT_SIZE));
        }
        throw new IllegalArgumentException("image " + image.name() + " at " + hex(image.physicalStart()) + "-"
                + hex(image.physicalEnd() - 1) + " leaves no room for a stack that real mode reaches; "
                + roomForStack(memorySize, after));
    }

    /** Returns how there would be room: below the image or after it. */
    private String roomForStack(long memorySize, long after) {
        String higher = "load it at " + hex(LOWEST_STACK_END) + " or higher";
        if (LOWEST_STACK_END + image.physicalEnd() - image.physicalStart() <= memorySize) {
            return higher;
        }
        boolean isRoomAfter = after + SMALLEST_STACK <= LayoutPlan.HOLE.start();
        return "give the guest more memory" + (isRoomAfter ? "" : ", and " + higher);
    }

    /** Takes the memory of the smallest stack, so that a guest in real mode does not push into its neighbour. */
    void takeStack(LayoutPlan layout) {
        long end = realModeStack(layout.ram().size()).end();
        layout.takeStack("the stack of image " + image.name(), end - SMALLEST_STACK, end);
    }

    private void requireUsableEntry(VcpuConfig config) {
        if (boot != BootMode.REAL && entry.segment().isPresent()) {
            throw new IllegalArgumentException("entry " + entry + " has a segment, which only real mode can use; boot "
                    + boot + " takes a linear address");
        }
        if (boot == BootMode.REAL && entry.segment().isEmpty() && entry.offset() > 0xffff) {
            throw new IllegalArgumentException("entry " + entry
                    + " is not below 64 KiB, where real mode can start at a linear address; "
                    + EntryAdvice.of(config, image, entry.offset()));
        }
        if (boot.physical(entry.offset()).isEmpty()) {
            throw new IllegalArgumentException("entry " + entry + " is not mapped when a guest is entered in boot mode "
                    + boot + ", which maps "
                    + (boot == BootMode.LONG
                            ? "0x0-0xffffffff and 0xffffffff80000000-0xffffffffffffffff"
                            : "0x0-0x3fffff and 0x80000000-0x807fffff"));
        }
        if (boot != BootMode.LONG && entry.offset() >>> 32 != 0) {
            throw new IllegalArgumentException(
                    "entry " + entry + " is above 4 GiB, where only boot mode " + BootMode.LONG + " can enter a guest");
        }
        long physical = entry.linearAddress();
        if (boot.paging() && isInHighMap(physical, boot)) {
            physical -= boot.kernelBase();
        }
        // A part beyond RAM is refused as such when the image takes its memory.
        boolean isWithin = Long.compareUnsigned(physical, image.physicalStart()) >= 0
                && Long.compareUnsigned(physical, image.physicalEnd()) < 0;
        if (!isWithin) {
            throw new IllegalArgumentException("entry " + entry + " lies outside image " + image.name()
                    + ", which is at physical " + hex(image.physicalStart()) + "-" + hex(image.physicalEnd() - 1)
                    + "; it may be linked at another address than it is loaded at");
        }
    }
}
