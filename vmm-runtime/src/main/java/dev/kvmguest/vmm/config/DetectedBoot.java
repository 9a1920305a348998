package dev.kvmguest.vmm.config;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.LimineMagic;
import dev.kvmguest.vmm.image.LinuxHeader;
import dev.kvmguest.vmm.image.Multiboot2Header;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.image.PvhNote;
import java.util.Arrays;
import java.util.Optional;

/**
 * The boot mode that an image asks for itself, for a guest of which nobody says the mode.
 *
 * <p>The setup header of a bzImage or zImage means {@link BootMode#LINUX}. A Multiboot 2 header means
 * {@link BootMode#MULTIBOOT2}, also beside one of Multiboot 1: the scripts that write GRUB's menu prefer it too, since
 * it tells the kernel more. A Multiboot 1 header means {@link BootMode#MULTIBOOT}, and without one Xen's note of an
 * entry point {@link BootMode#PVH}, as QEMU has it too. A 64-bit ELF file with requests or a base revision tag of the
 * Limine boot protocol is meant for {@link BootMode#LIMINE}, any other for {@link BootMode#LONG}. A 32-bit one whose
 * entry real mode can't reach is meant for
 * {@link BootMode#PAGED} if that maps its entry high, else for {@link BootMode#PROTECTED}. Anything else is
 * {@link BootMode#REAL}.
 *
 * @param boot the mode
 * @param reason what in the image says so, to follow "because"
 * @param overlooked what in the image is meant for a boot loader, and why none finds it, to follow the image's name;
 *     empty if there is nothing of the kind
 */
public record DetectedBoot(BootMode boot, String reason, Optional<String> overlooked) {

    private static final long REAL_MODE_SEGMENT_SIZE = 0x1_0000;
    private static final int SECTOR = 512;

    /** Creates what an image asks for in which nothing is overlooked. */
    public DetectedBoot(BootMode boot, String reason) {
        this(boot, reason, Optional.empty());
    }

    /** Looks at an image. */
    public static DetectedBoot of(GuestImage image) {
        return ofLoader(image).orElseGet(() -> {
            DetectedBoot plain = ofPlain(image);
            return new DetectedBoot(plain.boot, plain.reason, overlooked(image));
        });
    }

    private static Optional<DetectedBoot> ofLoader(GuestImage image) {
        if (LinuxHeader.isMeant(image)) {
            return Optional.of(new DetectedBoot(BootMode.LINUX, "it has the setup header of a Linux kernel"));
        }
        if (Multiboot2Header.isIn(image.file())) {
            return Optional.of(new DetectedBoot(BootMode.MULTIBOOT2, "it has a Multiboot 2 header"));
        }
        if (MultibootHeader.isMeant(image)) {
            return Optional.of(new DetectedBoot(BootMode.MULTIBOOT, "it has a Multiboot header"));
        }
        if (Multiboot2Header.isMeant(image)) {
            return Optional.of(new DetectedBoot(BootMode.MULTIBOOT2, "it has a Multiboot 2 header"));
        }
        if (PvhNote.isMeant(image)) {
            return Optional.of(
                    new DetectedBoot(BootMode.PVH, "it has the Xen note of a PVH kernel and no Multiboot header"));
        }
        if (LimineMagic.isMeant(image)) {
            return Optional.of(new DetectedBoot(BootMode.LIMINE, "it has requests of the Limine boot protocol"));
        }
        return Optional.empty();
    }

    private static DetectedBoot ofPlain(GuestImage image) {
        if (image.format() == GuestImage.Format.FLAT) {
            return new DetectedBoot(
                    BootMode.REAL,
                    image.isBootSector()
                            ? "its 512 bytes end with a boot sector's signature, 0x55 0xAA"
                            : "it is a flat binary");
        }
        if (image.format() == GuestImage.Format.ELF64) {
            return new DetectedBoot(BootMode.LONG, "it is a 64-bit ELF file without a Multiboot header");
        }
        long entry = entry(image);
        if (entry < REAL_MODE_SEGMENT_SIZE) {
            return new DetectedBoot(BootMode.REAL, "it is an ELF file with the entry " + hex(entry));
        }
        boolean high = entry >= BootMode.PAGED.kernelBase()
                && BootMode.PAGED.physical(entry).isPresent();
        return new DetectedBoot(
                high ? BootMode.PAGED : BootMode.PROTECTED,
                "it is an ELF file with the entry " + hex(entry) + " and no Multiboot header");
    }

    /**
     * An ELF file with a header that no loader finds is refused in the header's boot mode. A flat binary may have one
     * by chance, or for another file in it: a disk image begins with a boot sector.
     */
    private static Optional<String> overlooked(GuestImage image) {
        return image.format().isElf()
                ? PvhNote.dropped(image)
                : startsWithBootSector(image)
                        ? Optional.empty()
                        : MultibootHeader.overlooked(image.file()).or(() -> Multiboot2Header.overlooked(image.file()));
    }

    private static boolean startsWithBootSector(GuestImage image) {
        byte[] sector = Arrays.copyOf(image.file(), SECTOR);
        return GuestImage.flat(image.name(), sector).isBootSector();
    }

    /** Returns the entry that the file names; a linker that finds none writes 0, where there is no segment then. */
    private static long entry(GuestImage image) {
        long entry = image.entry().orElse(0);
        return image.segments().stream().anyMatch(segment -> segment.holdsVirtual(entry))
                ? entry
                : image.segments().get(0).virtualAddress();
    }

    /** Returns whether the mode differs from the one that a guest has by default, so that users should be told. */
    public boolean isNews() {
        return boot != BootMode.REAL;
    }

    /** Returns a warning for the log about the image of this name, if a boot loader overlooks something in it. */
    public Optional<String> warning(String image) {
        return overlooked.map(what -> "image " + image + " " + what + "; as it is, it is booted in boot mode " + boot);
    }

    /** Returns a sentence for the log about the image of this name. */
    public String describe(String image) {
        return "image " + image + " is booted in boot mode " + boot + ", because " + reason
                + "; name another boot mode to change that";
    }
}
