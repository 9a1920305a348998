package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;

/** Guests for tests of each boot mode: the same code, and the header before it that a loader looks for. */
public final class ModeGuests {

    private ModeGuests() {}

    /** Returns the configuration that enters code in a boot mode. */
    public static VcpuConfig of(BootMode mode, byte[] code) {
        return switch (mode) {
            case MULTIBOOT -> MultibootKernel.flat(code);
            case MULTIBOOT2 -> Multiboot2Kernel.flat(code);
            default -> VcpuConfig.of(GuestImage.flat("guest", code)).withBoot(mode);
        };
    }
}
