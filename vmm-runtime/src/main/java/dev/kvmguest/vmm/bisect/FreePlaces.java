package dev.kvmguest.vmm.bisect;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.memory.RamMap;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Where in a guest's memory there may be room for more code. Whether there is, only a boot tells. */
final class FreePlaces {

    private static final long PAGE = 0x1000;
    /** What a kernel computes as the end of its own zeroed memory may be that of the other build. */
    private static final long DISTANCE = 0x1_0000;
    /** Above it is firmware's data, then video memory. */
    private static final long LOW_MEMORY_END = 0x9_f000;

    private static final long HOLE_END = 0x10_0000;

    private FreePlaces() {}

    /**
     * Returns linear addresses, as the code sees them that is entered first; at least one.
     *
     * @param size how many bytes are needed
     */
    static List<Long> of(GuestImage image, VcpuConfig guest, RamMap ram, long size) {
        Segment entered = entered(image);
        // An image without load addresses of its own is loaded where the boot mode's map shows it.
        long base =
                guest.boot().paging() && image.physicalStart() >= guest.boot().kernelBase()
                        ? guest.boot().kernelBase()
                        : 0;
        long after = up(image.physicalEnd() - base) + DISTANCE;
        List<Long> places = new ArrayList<>();
        places.add(after < HOLE_END && after + size > LOW_MEMORY_END ? HOLE_END + DISTANCE : after);
        if (guest.load().isEmpty()) {
            // Else the place of all follows from that of the lowest.
            places.add(down(LOW_MEMORY_END - size));
        }
        places.add(down(ram.lowEnd() / 2));
        places.add(down(ram.lowEnd() - size - DISTANCE));
        return places.stream()
                .filter(place -> place >= PAGE && isFree(image, base, place, size))
                .map(place -> place + base + entered.virtualAddress() - entered.physicalAddress())
                .distinct()
                .toList();
    }

    private static Segment entered(GuestImage image) {
        long entry = image.entry().orElse(image.segments().get(0).virtualAddress());
        return Stream.concat(
                        image.segments().stream().filter(segment -> segment.holdsVirtual(entry)),
                        image.segments().stream())
                .findFirst()
                .orElseThrow();
    }

    private static boolean isFree(GuestImage image, long base, long place, long size) {
        return image.segments().stream()
                .noneMatch(segment ->
                        place < segment.physicalEnd() - base && segment.physicalAddress() - base < place + size);
    }

    private static long up(long address) {
        return address + PAGE - 1 & -PAGE;
    }

    private static long down(long address) {
        return address & -PAGE;
    }
}
