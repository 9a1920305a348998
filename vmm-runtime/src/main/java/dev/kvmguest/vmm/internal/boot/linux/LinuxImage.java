package dev.kvmguest.vmm.internal.boot.linux;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.LinuxHeader;
import java.util.Arrays;
import java.util.List;

/**
 * Puts the protected-mode code of a Linux kernel in its place: at 64 KiB that of a zImage; that of a bzImage where the
 * kernel prefers to run, if it is relocatable, else at 1 MiB. The memory that the kernel needs to unpack itself, before
 * it looks at the memory map, is part of the image.
 *
 * <p>Source: Linux, Documentation/arch/x86/boot.rst, "Memory Layout", "Loading The Rest of The Kernel", and the fields
 * pref_address and init_size.
 */
final class LinuxImage {

    /** Where the 64-bit entry point is in the code. */
    static final int ENTRY_64 = 0x200;

    private static final long LOW = 0x1_0000;
    private static final long HIGH = 0x10_0000;
    private static final long BELOW_4G = 1L << 32;

    private LinuxImage() {}

    /**
     * Returns the image at its final place, with its entry point.
     *
     * @throws IllegalArgumentException if the configuration asks for a place or an entry that the kernel doesn't have
     */
    static GuestImage place(VcpuConfig config, LinuxHeader header) {
        GuestImage image = config.image();
        byte[] code = Arrays.copyOfRange(image.file(), header.setupBytes(), image.file().length);
        long load = load(config, header);
        long entry = load + (header.entry64() ? ENTRY_64 : 0);
        requireOwnEntry(config, header, load, entry);
        return image.placed(segments(code, load, header), entry);
    }

    private static long load(VcpuConfig config, LinuxHeader header) {
        long usual = !header.high()
                ? LOW
                : header.relocatable() && header.preferredAddress() != 0 ? header.preferredAddress() : HIGH;
        long load = config.load().orElse(usual);
        if (load != usual && !(header.high() && header.relocatable())) {
            throw new IllegalArgumentException("load " + hex(load) + " is not possible: image "
                    + config.image().name() + " is a Linux kernel that is not relocatable, and belongs at " + hex(usual)
                    + "; leave load out");
        }
        if (load != usual && (load < HIGH || load % header.alignment() != 0)) {
            throw new IllegalArgumentException("load " + hex(load) + " is not possible: the Linux kernel "
                    + config.image().name() + " can be loaded at multiples of its kernel_alignment, "
                    + hex(header.alignment()) + ", from 1 MiB on; leave load out for " + hex(usual));
        }
        if (Long.compareUnsigned(load, BELOW_4G) >= 0) {
            throw new IllegalArgumentException("image " + config.image().name() + " would be loaded at " + hex(load)
                    + ", its pref_address; a Linux kernel is loaded below 4 GiB here, by a load of your own");
        }
        return load;
    }

    private static void requireOwnEntry(VcpuConfig config, LinuxHeader header, long load, long entry) {
        if (config.entry().isEmpty() || config.entry().get().linearAddress() == entry) {
            return;
        }
        long wanted = config.entry().get().linearAddress();
        boolean handover = header.handoverOffset() != 0
                && (wanted == load + header.handoverOffset() || wanted == load + header.handoverOffset() + ENTRY_64);
        throw new IllegalArgumentException("entry " + config.entry().get() + " is "
                + (handover
                        ? "the EFI handover entry point of image "
                                + config.image().name() + ", which needs UEFI, and this machine has none"
                        : "not where image " + config.image().name() + " is entered")
                + ": the boot protocol enters it at " + hex(entry) + "; leave entry out");
    }

    /** Returns the code, and the memory from where it runs on, as one where they overlap. */
    private static List<Segment> segments(byte[] code, long load, LinuxHeader header) {
        long end = load + code.length;
        if (header.initSize() == 0) {
            return List.of(new Segment(load, load, code, code.length));
        }
        long run = run(load, header);
        long runEnd = run + header.initSize();
        return run <= end
                ? List.of(new Segment(load, load, code, Math.max(end, runEnd) - load))
                : List.of(
                        new Segment(load, load, code, code.length),
                        new Segment(run, run, new byte[0], header.initSize()));
    }

    /** Returns where the kernel runs that is loaded there. */
    private static long run(long load, LinuxHeader header) {
        if (!header.relocatable()) {
            return header.preferredAddress();
        }
        long least = Math.max(load, header.preferredAddress());
        return least + header.alignment() - 1 & -header.alignment();
    }
}
