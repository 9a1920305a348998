package dev.kvmguest.vmm.internal.boot.plain;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;

/** Puts an image where its configuration or else its file says. */
final class PlainImage {

    private PlainImage() {}

    static GuestImage place(VcpuConfig config) {
        GuestImage image = config.image();
        boolean flat = image.format() == GuestImage.Format.FLAT;
        if (config.load().isPresent() || flat) {
            return image.movedTo(flat ? config.flatLoad() : config.load().getAsLong());
        }
        return config.boot().paging() ? mappedDown(image, config.boot()) : image;
    }

    /** Segments linked without load addresses of their own go where the boot map shows them. */
    private static GuestImage mappedDown(GuestImage image, BootMode boot) {
        return image.withSegments(image.segments().stream()
                .map(segment -> Long.compareUnsigned(segment.physicalAddress(), boot.kernelBase()) >= 0
                        ? segment.movedTo(segment.physicalAddress() - boot.kernelBase())
                        : segment)
                .toList());
    }
}
