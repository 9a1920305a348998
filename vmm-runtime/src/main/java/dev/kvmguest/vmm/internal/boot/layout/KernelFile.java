package dev.kvmguest.vmm.internal.boot.layout;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.ElfLayout;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.MultibootHeader.Addresses;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Puts a kernel's file where a header in it or its ELF program headers say, for an entry with paging off. */
public final class KernelFile {

    private static final int PT_LOAD = 1;

    /** From 1 GiB on: the lowest that kernels with physical addresses of their own are linked for. */
    private static final long HIGHER_HALF = 0x4000_0000L;

    private KernelFile() {}

    /**
     * Returns an image at the addresses of a header.
     *
     * <p>Source: Multiboot Specification version 0.6.96, 3.1.3, "The address fields of Multiboot header"; Multiboot2
     * Specification version 2.0, 3.1.5, "The address tag of Multiboot2 header".
     *
     * @param header what the header is, for errors, such as "a Multiboot header"
     * @param offset where the header starts in the file
     * @throws IllegalArgumentException if the addresses contradict the file
     */
    public static GuestImage at(Addresses addresses, GuestImage image, String header, int offset) {
        byte[] file = image.file();
        long start = offset - (addresses.header() - addresses.load());
        if (addresses.header() < addresses.load() || start < 0) {
            throw contradiction(
                    image,
                    header,
                    "header_addr " + hex(addresses.header()) + " and load_addr " + hex(addresses.load())
                            + ", by which the file would be loaded from offset " + start
                            + " on, while the header lies at offset " + hex(offset)
                            + "; header_addr - load_addr must be from 0 to that offset");
        }
        long length = addresses.loadEnd() == 0 ? file.length - start : addresses.loadEnd() - addresses.load();
        if (length < offset - start || start + length > file.length) {
            throw contradiction(
                    image,
                    header,
                    "load_addr " + hex(addresses.load()) + " and load_end_addr " + hex(addresses.loadEnd())
                            + ", by which the file's bytes from offset " + hex(start) + " to " + hex(start + length)
                            + " would be loaded; they must have the header at " + hex(offset)
                            + " and end with the file, at " + hex(file.length) + " (load_end_addr 0 says that)");
        }
        long loadEnd = addresses.load() + length;
        if (addresses.bssEnd() != 0 && addresses.bssEnd() < loadEnd) {
            throw contradiction(
                    image,
                    header,
                    "bss_end_addr " + hex(addresses.bssEnd()) + ", which is below the end of what is loaded, "
                            + hex(loadEnd) + "; 0 says that there is no BSS");
        }
        long memorySize = Math.max(length, addresses.bssEnd() - addresses.load());
        byte[] data = Arrays.copyOfRange(file, (int) start, (int) (start + length));
        return image.placed(
                List.of(new Segment(addresses.load(), addresses.load(), data, memorySize)), addresses.entry());
    }

    /**
     * Returns that a header's addresses put a part of an ELF file elsewhere than where it was linked for, as a warning.
     * A kernel for the higher half is loaded elsewhere too: its linear addresses are far above.
     *
     * @param addresses as for {@link #at}, which has accepted them
     * @return empty if they put the file where its program headers do, linearly or physically, and if it is no ELF file
     */
    public static Optional<String> contradiction(Addresses addresses, GuestImage image, String header, int offset) {
        if (!image.format().isElf()) {
            return Optional.empty();
        }
        ElfLayout layout = ElfLayout.of(image.file()).orElseThrow();
        ElfLayout.ProgramHeader fields = layout.programHeader();
        ByteBuffer file = ElfLayout.buffer(image.file());
        long start = offset - (addresses.header() - addresses.load());
        // The table lies within the file: the image's reader has looked.
        int table = (int) layout.word(file, layout.header().programHeaders());
        int size = Short.toUnsignedInt(file.getShort(layout.header().programHeaderSize()));
        int count = Short.toUnsignedInt(file.getShort(layout.header().programHeaderCount()));
        for (int at = table; at < table + count * size; at += size) {
            long linked = layout.word(file, at + fields.virtualAddress());
            long placed = addresses.load() + layout.word(file, at + fields.offset()) - start;
            boolean isElsewhere = placed != linked
                    && placed != layout.word(file, at + fields.physicalAddress())
                    && Long.compareUnsigned(linked, HIGHER_HALF) < 0;
            if (file.getInt(at) == PT_LOAD && layout.word(file, at + fields.fileSize()) != 0 && isElsewhere) {
                return Optional.of("image " + image.name() + " has " + header + " by whose load_addr "
                        + hex(addresses.load()) + " what is linked for " + hex(linked) + " is loaded at " + hex(placed)
                        + ", so that addresses in its code lead elsewhere unless it moves itself there; write load_addr "
                        + hex(addresses.load() + linked - placed)
                        + ", or leave the addresses out of the header, so that"
                        + " the ELF program headers count");
            }
        }
        return Optional.empty();
    }

    /**
     * Returns an ELF image with the physical address of its entry point: a kernel linked for the upper half names a
     * linear one, but starts with paging off.
     */
    public static GuestImage withPhysicalEntry(GuestImage image) {
        long entry = image.entry().orElseThrow();
        for (Segment segment : image.segments()) {
            if (segment.holdsVirtual(entry)) {
                return image.placed(image.segments(), segment.physicalAddress() + entry - segment.virtualAddress());
            }
        }
        return image;
    }

    /**
     * Makes sure that nobody asks for another place than the file's own.
     *
     * @param image the image where the file says
     * @throws IllegalArgumentException if the configuration names another load address
     */
    public static void requireOwnPlace(GuestImage image, VcpuConfig config) {
        OptionalLong load = config.load();
        if (load.isPresent() && load.getAsLong() != image.physicalStart()) {
            throw new IllegalArgumentException("load " + hex(load.getAsLong()) + " contradicts image " + image.name()
                    + ", which says itself that it is to be loaded at " + hex(image.physicalStart())
                    + "; leave load out, or link the image for that address");
        }
    }

    private static IllegalArgumentException contradiction(GuestImage image, String header, String what) {
        return new IllegalArgumentException("image " + image.name() + " has " + header + " with " + what);
    }
}
