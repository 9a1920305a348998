package dev.kvmguest.vmm.internal.boot.multiboot2;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.Multiboot2Header.Preference;
import dev.kvmguest.vmm.image.Multiboot2Header.Relocation;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.internal.boot.layout.E820Map;
import dev.kvmguest.vmm.memory.RamMap;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * Finds a place for a kernel that can be moved, as GRUB 2.06 does (measured): the lowest place, also for a kernel
 * without a preference, even if it could stay where it is linked; or the highest. A place below 1 MiB is for a kernel
 * that can't have one above.
 *
 * <p>Source: Multiboot2 Specification version 2.0, 3.1.13, "Relocatable header tag".
 *
 * @param image the kernel where it is linked, with its entry point
 * @param relocation where it can be moved to
 * @param ram where RAM is
 */
record RelocatableKernel(GuestImage image, Relocation relocation, RamMap ram) {

    /** No place for a kernel is below: firmware has its data there. */
    private static final long LOWEST = 0x1000;

    /**
     * Returns the kernel at its place, its entry point moved with it.
     *
     * @param wanted the load address that somebody asks for
     * @throws IllegalArgumentException if it can't be there, or there is no place
     */
    GuestImage moved(OptionalLong wanted) {
        long linked = image.physicalStart();
        if (relocation.highest() - relocation.lowest() < size()) {
            throw new IllegalArgumentException("image " + image.name() + " can be moved to "
                    + hex(relocation.lowest()) + " at the lowest, must end at " + hex(relocation.highest())
                    + " at the highest, and takes " + size() + " bytes; correct min_addr or max_addr in the relocatable"
                    + " tag of its Multiboot 2 header");
        }
        long start = wanted.isPresent() ? required(wanted.getAsLong()) : preferred();
        return image.placed(image.movedTo(start).segments(), image.entry().orElseThrow() + start - linked);
    }

    private long required(long start) {
        if (start % relocation.alignment() != 0
                || start < relocation.lowest()
                || start + size() > relocation.highest()) {
            throw new IllegalArgumentException("load " + hex(start) + " is not where image " + image.name()
                    + " can be moved to; its Multiboot 2 header asks for " + words());
        }
        return start;
    }

    private long preferred() {
        return LongStream.concat(
                        place(E820Map.HIGH_MEMORY, ram.lowEnd()).stream(),
                        place(LOWEST, Math.min(ram.lowEnd(), LowMemory.EXTENDED_DATA)).stream())
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no room for image " + image.name() + ", "
                        + size() + " bytes, where its Multiboot 2 header asks for it, " + words()
                        + ", in RAM, " + ram.words() + "; give the guest more memory, or change the relocatable tag"));
    }

    /** Returns the best place in a part of RAM. */
    private OptionalLong place(long start, long end) {
        long mask = -relocation.alignment();
        long from = Math.max(start, relocation.lowest()) + relocation.alignment() - 1 & mask;
        long to = Math.min(end, relocation.highest()) - size();
        if (from > to) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(relocation.preference() == Preference.HIGH ? to & mask : from);
    }

    private long size() {
        return image.physicalEnd() - image.physicalStart();
    }

    private String words() {
        return hex(relocation.lowest()) + " to " + hex(relocation.highest()) + " and multiples of "
                + hex(relocation.alignment());
    }
}
