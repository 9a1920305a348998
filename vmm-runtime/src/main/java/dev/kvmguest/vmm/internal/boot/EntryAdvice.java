package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The way out for a guest that real mode can't enter where it says: one that has been tried. */
final class EntryAdvice {

    private static final List<BootMode> OTHER_MODES = List.of(BootMode.MULTIBOOT, BootMode.PROTECTED, BootMode.PAGED);

    private EntryAdvice() {}

    /**
     * Returns what to do, to follow a semicolon.
     *
     * @param config the guest as it was asked for
     * @param image the image at its place
     * @param entry the linear address that is out of reach
     */
    static String of(VcpuConfig config, GuestImage image, long entry) {
        Optional<EntryPoint> segmented = Stream.of(image.physicalStart(), entry)
                .flatMap(start -> EntryPoint.reaching(entry, start).stream())
                .filter(point -> isPossible(config.withEntry(point)))
                .findFirst();
        if (segmented.isPresent()) {
            return "write it as SEG:OFF, such as " + segmented.get();
        }
        return OTHER_MODES.stream()
                .filter(mode -> isPossible(config.withBoot(mode)))
                .findFirst()
                .map(mode -> "choose boot mode " + mode + ", in which it can be entered there")
                .orElse("it must be an address in the image, which is at physical " + hex(image.physicalStart()) + "-"
                        + hex(image.physicalEnd() - 1) + ", and for real mode below 1 MiB");
    }

    private static boolean isPossible(VcpuConfig config) {
        try {
            PlacedGuest.of(config);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
