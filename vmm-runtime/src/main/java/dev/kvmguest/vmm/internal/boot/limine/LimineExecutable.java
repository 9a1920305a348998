package dev.kvmguest.vmm.internal.boot.limine;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.ElfLayout;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.LimineMagic;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A kernel as a Limine loader has it: segments with their rights, at linear addresses of the last 2 GiB, physically
 * contiguous at a place of the loader's choosing. A position-independent one is relocated, and moved into the last 2
 * GiB if it is linked below, as {@link dev.kvmguest.vmm.image.ElfReader} has moved its symbols.
 *
 * <p>Source: The Limine Boot Protocol, base revision 6, "Memory Layout at Entry"; where that is open, the
 * project's own loader ({@code common/lib/elf.c}, {@code elf64_load}).
 */
final class LimineExecutable {

    private static final long HIGHER_HALF = LimineMagic.LOWEST_ADDRESS;

    static final int PAGE = 0x1000;

    /** PF_X, a segment's right to be executed. */
    static final int EXECUTE = 1;

    /** PF_W, a segment's right to be written. */
    static final int WRITE = 2;

    private static final int RIGHTS = 7;

    /**
     * Not where a kernel would be that takes its linear addresses for physical ones plus 0xffffffff80000000: by other
     * loads it is anywhere.
     */
    private static final long LOWEST = 0x20_0000;

    private static final int PT_LOAD = 1;
    private static final int FLAGS = 4;
    private static final int ALIGNMENT = 48;
    private static final long MOST_ALIGNMENT = 1 << 30;

    private static final String LINK_HIGH = "; link it at " + hex(HIGHER_HALF) + " or above: \". = " + hex(HIGHER_HALF)
            + ";\" before the first section of its linker script, which is given to the linker by -T, and compile it for"
            + " addresses there (-mcmodel=kernel; Rust: -C code-model=kernel)";

    /**
     * A segment.
     *
     * @param address the linear address of its first byte
     * @param data what the file has of it, relocated; not to be changed
     * @param memorySize its bytes in memory
     * @param rights PF_X, PF_W and PF_R
     */
    record Loaded(long address, byte[] data, long memorySize, int rights) {

        /** Returns the address after its last byte; 0 if that is the last of all. */
        long end() {
            return address + memorySize;
        }

        private Loaded slid(long slide) {
            return new Loaded(address + slide, data, memorySize, rights);
        }

        private boolean holdsBytes(long place, long size) {
            long offset = place - address;
            return offset >= 0 && size >= 0 && size <= data.length && offset <= data.length - size;
        }
    }

    private final GuestImage image;
    private final List<Loaded> segments;
    private final long virtualBase;
    private final long physicalBase;

    /**
     * Reads and relocates a kernel.
     *
     * @throws IllegalArgumentException if it is none that Limine loads
     */
    LimineExecutable(GuestImage image) {
        this.image = image;
        if (image.format() != GuestImage.Format.ELF64 || image.file().length == 0) {
            throw refusal(
                    "is no 64-bit ELF file, which boot mode limine needs: it maps a kernel by its program headers;"
                            + " boot the ELF file, or choose another boot mode");
        }
        ByteBuffer file = ElfLayout.buffer(image.file());
        ElfDynamic dynamic = new ElfDynamic(image.name(), file);
        List<Loaded> found = new ArrayList<>();
        long alignment = PAGE;
        for (int header : dynamic.programHeaders(PT_LOAD)) {
            if (file.getLong(header + 40) == 0) {
                continue;
            }
            alignment = Math.max(alignment, alignment(file.getLong(header + ALIGNMENT)));
            found.add(read(file, header));
        }
        if (found.isEmpty()) {
            throw refusal("has no segment to load" + LINK_HIGH);
        }
        long slide = lowest(image.segments().stream().map(Segment::virtualAddress))
                - lowest(found.stream().map(Loaded::address));
        dynamic.relocate(
                slide,
                found.stream().map(Loaded::address).toList(),
                found.stream().map(Loaded::data).toList());
        found.replaceAll(segment -> segment.slid(slide));
        requireHigh(found);
        requireOrder(found);
        segments = List.copyOf(found);
        virtualBase = found.get(0).address & -PAGE;
        physicalBase = LOWEST + alignment - 1 & -alignment;
    }

    private static long lowest(Stream<Long> addresses) {
        return addresses.min(Long::compareUnsigned).orElseThrow();
    }

    private static Loaded read(ByteBuffer file, int header) {
        int offset = (int) file.getLong(header + 8);
        int size = (int) file.getLong(header + 32);
        return new Loaded(
                file.getLong(header + 16),
                Arrays.copyOfRange(file.array(), offset, offset + size),
                file.getLong(header + 40),
                file.getInt(header + FLAGS) & RIGHTS);
    }

    private long alignment(long value) {
        if ((value & value - 1) != 0 || value < 0 || value > MOST_ALIGNMENT) {
            throw refusal("has a segment with the alignment " + hex(value) + ", which is no power of two up to "
                    + hex(MOST_ALIGNMENT) + "; link it with -z max-page-size=0x1000");
        }
        return value;
    }

    private void requireHigh(List<Loaded> found) {
        for (Loaded segment : found) {
            if (Long.compareUnsigned(segment.address, HIGHER_HALF) < 0) {
                throw refusal("has a segment at " + hex(segment.address) + ", and Limine maps kernels in the last 2 GiB"
                        + " of linear memory, the higher half, only" + LINK_HIGH);
            }
        }
    }

    private void requireOrder(List<Loaded> found) {
        for (int i = 1; i < found.size(); i++) {
            Loaded before = found.get(i - 1);
            Loaded segment = found.get(i);
            if (Long.compareUnsigned(segment.address, before.end()) < 0 || before.end() == 0) {
                throw refusal(
                        "has a segment at " + hex(segment.address) + " that overlaps or precedes the one before it, "
                                + words(before) + "; Limine loads segments in ascending order only");
            }
            if ((segment.address & -PAGE) == (before.end() - 1 & -PAGE) && segment.rights != before.rights) {
                throw refusal(
                        "has two segments with different rights in the page " + hex(segment.address & -PAGE) + ": "
                                + words(before) + " and " + words(segment) + "; start each with a page of its own, by"
                                + " \". = ALIGN(CONSTANT(MAXPAGESIZE));\" in the linker script");
            }
        }
    }

    private static String words(Loaded segment) {
        String rights = ((segment.rights & 4) != 0 ? "r" : "-")
                + ((segment.rights & WRITE) != 0 ? "w" : "-")
                + ((segment.rights & EXECUTE) != 0 ? "x" : "-");
        return hex(segment.address) + "-" + hex(segment.end() - 1) + " (" + rights + ")";
    }

    /** Returns the error that says something of this image. */
    IllegalArgumentException refusal(String what) {
        return new IllegalArgumentException("image " + image.name() + " " + what);
    }

    /** Returns the image's name. */
    String name() {
        return image.name();
    }

    /** Returns the whole file. */
    byte[] file() {
        return image.file();
    }

    /** Returns the segments in ascending order. */
    List<Loaded> segments() {
        return segments;
    }

    /** Returns the linear address of the first page. */
    long virtualBase() {
        return virtualBase;
    }

    /** Returns the physical address of the first page. */
    long physicalBase() {
        return physicalBase;
    }

    /** Returns the physical address after the last page. */
    long physicalEnd() {
        return physical(segments.get(segments.size() - 1).end()) + PAGE - 1 & -PAGE;
    }

    /** Returns the physical address of a linear one. */
    long physical(long linear) {
        return physicalBase + (linear - virtualBase);
    }

    /** Returns the entry point that the file names. */
    long entry() {
        return image.entry().orElse(0);
    }

    /** Returns whether a linear address is in a segment. */
    boolean contains(long linear) {
        return segments.stream()
                .anyMatch(segment -> Long.compareUnsigned(linear - segment.address, segment.memorySize) < 0);
    }

    /** Returns the image at its place, entered at a linear address. */
    GuestImage placed(long entry) {
        return image.placed(
                segments.stream()
                        .map(segment -> new Segment(
                                physical(segment.address), segment.address, segment.data, segment.memorySize))
                        .toList(),
                entry);
    }

    /** Returns the bytes that the file has of a linear range; empty if it doesn't have them all. */
    Optional<ByteBuffer> bytes(long linear, long size) {
        return segments.stream()
                .filter(segment -> segment.holdsBytes(linear, size))
                .findFirst()
                .map(segment -> ElfLayout.buffer(segment.data)
                        .slice((int) (linear - segment.address), (int) size)
                        .order(ByteOrder.LITTLE_ENDIAN));
    }

    /** Returns the text at a linear address, ended by NUL; empty if it isn't all in the file. */
    Optional<String> text(long linear) {
        for (Loaded segment : segments) {
            if (segment.holdsBytes(linear, 1)) {
                int start = (int) (linear - segment.address);
                int end = start;
                while (end < segment.data.length && segment.data[end] != 0) {
                    end++;
                }
                return end == segment.data.length
                        ? Optional.empty()
                        : Optional.of(new String(segment.data, start, end - start, StandardCharsets.UTF_8));
            }
        }
        return Optional.empty();
    }
}
