package dev.kvmguest.vmm.internal.boot.layout;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;

/**
 * An image at its final place, with its entry point.
 *
 * @param image the image, its physical addresses final
 * @param boot the state at entry
 * @param entry where it starts, with a segment only in real mode
 */
public record PlacedGuest(GuestImage image, BootMode boot, EntryPoint entry) {

    /** Returns an image with the entry point that its configuration or else the image names. */
    public static PlacedGuest at(GuestImage image, VcpuConfig config) {
        BootMode boot = config.boot();
        return new PlacedGuest(
                image, boot, config.entry().isPresent() ? config.entry().get() : defaultEntry(image, boot));
    }

    /**
     * Returns the same of an image that its boot mode can enter there.
     *
     * @throws IllegalArgumentException if it can't
     */
    public static PlacedGuest entered(GuestImage image, VcpuConfig config) {
        PlacedGuest placed = at(image, config);
        placed.requireUsableEntry();
        return placed;
    }

    private static EntryPoint defaultEntry(GuestImage image, BootMode boot) {
        // A flat image of long mode is entered where it is loaded, by the map of each address to itself.
        long base = boot.longMode() ? 0 : boot.kernelBase();
        long entry = image.entry().orElse(base + image.physicalStart());
        if (image.entry().isEmpty() && !boot.longMode() && entry > 0xffff_ffffL) {
            throw new IllegalArgumentException("load " + hex(image.physicalStart())
                    + " is beyond what is mapped when a guest is entered in boot mode " + boot);
        }
        return EntryPoint.linear(entry);
    }

    /** Takes the image's memory. */
    public void take(LayoutPlan layout) {
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
     * Makes sure that the boot mode can enter the guest there.
     *
     * @throws IllegalArgumentException if it can't
     */
    public void requireUsableEntry() {
        if (boot != BootMode.REAL && entry.segment().isPresent()) {
            throw new IllegalArgumentException("entry " + entry + " has a segment, which only real mode can use; boot "
                    + boot + " takes a linear address");
        }
        if (boot.physical(entry.offset()).isEmpty()) {
            throw new IllegalArgumentException("entry " + entry + " is not mapped when a guest is entered in boot mode "
                    + boot + ", which maps " + boot.mapped());
        }
        if (!boot.longMode() && entry.offset() >>> 32 != 0) {
            throw new IllegalArgumentException(
                    "entry " + entry + " is above 4 GiB, where only boot mode " + BootMode.LONG + " can enter a guest");
        }
        long physical = boot.physical(entry.linearAddress()).orElseThrow();
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
