package dev.kvmguest.vmm.internal.boot.multiboot;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.image.MultibootHeader.Addresses;
import java.util.Arrays;
import java.util.List;

/**
 * Puts a Multiboot 1 kernel where its header or, if that gives no addresses, its ELF program headers say.
 *
 * <p>Source: Multiboot Specification version 0.6.96, 3.1.3, "The address fields of Multiboot header".
 */
final class MultibootImage {

    private MultibootImage() {}

    /**
     * Returns the image at its final place, with the physical address of its entry point.
     *
     * @throws IllegalArgumentException if its header contradicts the file
     */
    static GuestImage place(GuestImage image, MultibootHeader header) {
        if (header.addresses().isPresent()) {
            return byHeader(image, header, header.addresses().get());
        }
        if (image.format() == GuestImage.Format.FLAT) {
            throw new IllegalArgumentException(
                    "image " + image.name() + " is a flat binary, and its Multiboot header at"
                            + " file offset " + hex(header.offset())
                            + " has no load addresses; set bit 16 of its flags and add them, or boot the ELF file");
        }
        return withPhysicalEntry(image);
    }

    private static GuestImage byHeader(GuestImage image, MultibootHeader header, Addresses addresses) {
        byte[] file = image.file();
        long start = header.offset() - (addresses.header() - addresses.load());
        if (addresses.header() < addresses.load() || start < 0) {
            throw contradiction(
                    image,
                    "header_addr " + hex(addresses.header()) + " and load_addr " + hex(addresses.load())
                            + ", by which the file would be loaded from offset " + start
                            + " on, while the header lies at offset " + hex(header.offset())
                            + "; header_addr - load_addr must be from 0 to that offset");
        }
        long length = addresses.loadEnd() == 0 ? file.length - start : addresses.loadEnd() - addresses.load();
        if (length < header.offset() - start || start + length > file.length) {
            throw contradiction(
                    image,
                    "load_addr " + hex(addresses.load()) + " and load_end_addr " + hex(addresses.loadEnd())
                            + ", by which the file's bytes from offset " + hex(start) + " to " + hex(start + length)
                            + " would be loaded; they must have the header at " + hex(header.offset())
                            + " and end with the file, at " + hex(file.length) + " (load_end_addr 0 says that)");
        }
        long loadEnd = addresses.load() + length;
        if (addresses.bssEnd() != 0 && addresses.bssEnd() < loadEnd) {
            throw contradiction(
                    image,
                    "bss_end_addr " + hex(addresses.bssEnd()) + ", which is below the end of what is loaded, "
                            + hex(loadEnd) + "; 0 says that there is no BSS");
        }
        long memorySize = Math.max(length, addresses.bssEnd() - addresses.load());
        byte[] data = Arrays.copyOfRange(file, (int) start, (int) (start + length));
        return image.placed(
                List.of(new Segment(addresses.load(), addresses.load(), data, memorySize)), addresses.entry());
    }

    /** A kernel linked for the upper half names a linear entry point, but starts with paging off. */
    private static GuestImage withPhysicalEntry(GuestImage image) {
        long entry = image.entry().orElseThrow();
        for (Segment segment : image.segments()) {
            if (segment.holdsVirtual(entry)) {
                return image.placed(image.segments(), segment.physicalAddress() + entry - segment.virtualAddress());
            }
        }
        return image;
    }

    private static IllegalArgumentException contradiction(GuestImage image, String what) {
        return new IllegalArgumentException("image " + image.name() + " has a Multiboot header with " + what);
    }
}
