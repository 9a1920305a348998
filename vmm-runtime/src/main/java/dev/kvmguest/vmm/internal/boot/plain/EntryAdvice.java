package dev.kvmguest.vmm.internal.boot.plain;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** The way out for a guest that real mode can't enter where it says: one that has been tried. */
final class EntryAdvice {

    private static final List<BootMode> OTHER_MODES =
            List.of(BootMode.MULTIBOOT2, BootMode.MULTIBOOT, BootMode.PROTECTED, BootMode.PAGED);

    private EntryAdvice() {}

    /**
     * Returns what to do, to follow a semicolon.
     *
     * @param config the guest as it was asked for
     * @param placed the image at its place, with the linear address that is out of reach
     * @param isPossible whether a guest could be placed with another configuration
     */
    static String of(VcpuConfig config, PlacedGuest placed, Predicate<VcpuConfig> isPossible) {
        GuestImage image = placed.image();
        long entry = placed.entry().offset();
        Optional<EntryPoint> segmented = Stream.of(image.physicalStart(), entry)
                .flatMap(start -> EntryPoint.reaching(entry, start).stream())
                .filter(point -> isPossible.test(config.withEntry(point)))
                .findFirst();
        if (segmented.isPresent()) {
            return "write it as SEG:OFF, such as " + segmented.get();
        }
        return OTHER_MODES.stream()
                .filter(mode -> isPossible.test(config.withBoot(mode)))
                .findFirst()
                .map(mode -> "choose boot mode " + mode + ", in which it can be entered there")
                .orElse("it must be an address in the image, which is at physical " + hex(image.physicalStart()) + "-"
                        + hex(image.physicalEnd() - 1) + ", and for real mode below 1 MiB");
    }
}
