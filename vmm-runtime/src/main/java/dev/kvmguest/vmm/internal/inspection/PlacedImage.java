package dev.kvmguest.vmm.internal.inspection;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An image where it was loaded.
 *
 * @param image the image as it was read
 * @param segments its segments, with the physical addresses at which they were loaded; none if those aren't known
 */
public record PlacedImage(GuestImage image, List<Segment> segments) {

    private static final long NEAR = 0x1_0000;

    /** Finds out where the layout has an image. Where one was put together otherwise than its file says isn't known. */
    public static PlacedImage of(GuestImage image, MemoryLayout layout) {
        List<Range> parts = layout.ranges().stream()
                .filter(range -> range.kind() == Kind.IMAGE || range.kind() == Kind.BSS)
                .filter(range -> range.name().endsWith("image " + image.name()))
                .toList();
        List<Segment> segments = parts.isEmpty()
                ? List.of()
                : image.movedTo(parts.get(0).start()).segments();
        return new PlacedImage(
                image, segments.stream().allMatch(segment -> isIn(segment, parts)) ? segments : List.of());
    }

    private static boolean isIn(Segment segment, List<Range> parts) {
        long start = segment.physicalAddress();
        long end = start + segment.data().length;
        return start == end || parts.stream().anyMatch(range -> range.start() == start && range.end() == end);
    }

    /** Returns the bytes that the file put at a physical address; empty unless all of them are of the file. */
    public Optional<byte[]> original(long physical, int length) {
        return segments.stream()
                .filter(segment -> physical >= segment.physicalAddress()
                        && physical + length <= segment.physicalAddress() + segment.data().length)
                .findFirst()
                .map(segment -> {
                    int from = (int) (physical - segment.physicalAddress());
                    return Arrays.copyOfRange(segment.data(), from, from + length);
                });
    }

    /**
     * Returns the physical address at which that was loaded which was linked for a linear address; empty if it is no
     * address of the image, and for a flat binary that nobody knows the linker's addresses of.
     */
    public OptionalLong loadedAt(long linear) {
        return segments.stream()
                .filter(segment -> isLinked() && segment.holdsVirtual(linear))
                .mapToLong(segment -> segment.physicalAddress() + linear - segment.virtualAddress())
                .findFirst();
    }

    /**
     * Returns the linear address that the code has for what was loaded at a physical address; empty if that is none of
     * the image.
     */
    public OptionalLong linear(long physical) {
        return segments.stream()
                .filter(segment -> segment.holdsPhysical(physical))
                .mapToLong(segment -> linear(segment) + physical - segment.physicalAddress())
                .findFirst();
    }

    /**
     * Returns the linear address that a segment of it was linked for; of a flat binary that nobody knows the linker's
     * addresses of, the physical one at which it was loaded.
     */
    public long linear(Segment segment) {
        return isLinked() ? segment.virtualAddress() : segment.physicalAddress();
    }

    /**
     * Returns that an image's file ends before a place that its own code goes to, and what to do, as a clause; empty
     * unless the place is within 64 KiB after the end of a flat binary, which doesn't say how long it should be.
     *
     * @param physical where the code goes
     */
    public Optional<String> cutOff(long physical) {
        if (image.format() != GuestImage.Format.FLAT || segments.size() != 1) {
            return Optional.empty();
        }
        Segment all = segments.get(0);
        long end = all.physicalAddress() + all.data().length;
        return physical >= end && physical < end + NEAR
                ? Optional.of("the image ends before that, at " + hex(end - 1) + " after " + all.data().length
                        + " bytes, so that what belongs there was never loaded; boot the whole file, or have the guest load"
                        + " the rest of it first")
                : Optional.empty();
    }

    private boolean isLinked() {
        return image.format() != GuestImage.Format.FLAT || !image.symbols().isEmpty();
    }
}
