package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel;

/** Guests for tests of each boot mode: the same code, and the header before it that a loader looks for. */
public final class ModeGuests {

    private ModeGuests() {}

    /** Returns the configuration that enters code in a boot mode. */
    public static VcpuConfig of(BootMode mode, byte[] code) {
        return switch (mode) {
            case MULTIBOOT -> MultibootKernel.flat(code);
            case MULTIBOOT2 -> Multiboot2Kernel.flat(code);
            case LIMINE -> new LimineKernel().baseRevision(6).code(code).config();
            case PVH -> PvhKernel.of(code);
            case LINUX -> new LinuxKernel(code).guest();
            default -> VcpuConfig.of(GuestImage.flat("guest", code)).withBoot(mode);
        };
    }
}
