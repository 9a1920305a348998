package dev.kvmguest.vmm.internal.inspection;

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
        boolean linked =
                image.format() != GuestImage.Format.FLAT || !image.symbols().isEmpty();
        return segments.stream()
                .filter(segment -> linked
                        && linear >= segment.virtualAddress()
                        && linear < segment.virtualAddress() + segment.memorySize())
                .mapToLong(segment -> segment.physicalAddress() + linear - segment.virtualAddress())
                .findFirst();
    }
}
