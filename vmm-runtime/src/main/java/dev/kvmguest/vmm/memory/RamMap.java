package dev.kvmguest.vmm.memory;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Where a guest's RAM is among guest physical addresses. As on a PC the addresses from 3 to 4 GiB are left to devices:
 * RAM begins at 0, and what doesn't fit below 3 GiB begins at 4 GiB. QEMU's {@code pc} machines split large memories in
 * the same way.
 *
 * @param size bytes of RAM in all
 */
public record RamMap(long size) {

    /** The first address that is left to devices: 3 GiB. */
    public static final long DEVICES = 0xc000_0000L;

    /** The address after those that are left to devices: 4 GiB. */
    public static final long DEVICES_END = 0x1_0000_0000L;

    /**
     * Guest physical addresses with RAM.
     *
     * @param start the first address
     * @param end the address after the last
     */
    public record Extent(long start, long end) {

        /** Returns the number of bytes. */
        public long length() {
            return end - start;
        }

        /** Returns what is in either of two lists, each in ascending order, as one such list. */
        public static List<Extent> union(List<Extent> one, List<Extent> other) {
            List<Extent> union = new ArrayList<>();
            Stream.concat(one.stream(), other.stream())
                    .sorted(Comparator.comparingLong(Extent::start))
                    .forEach(next -> {
                        Extent last = union.isEmpty() ? next : union.get(union.size() - 1);
                        if (next.start <= last.end && !union.isEmpty()) {
                            union.set(union.size() - 1, new Extent(last.start, Math.max(last.end, next.end)));
                        } else {
                            union.add(next);
                        }
                    });
            return union;
        }
    }

    /** Returns the address after the last byte of RAM below 4 GiB. */
    public long lowEnd() {
        return Math.min(size, DEVICES);
    }

    /** Returns whether there is RAM at 4 GiB and above. */
    public boolean isSplit() {
        return size > DEVICES;
    }

    /** Returns the address after the last byte of RAM. */
    public long end() {
        return isSplit() ? size - DEVICES + DEVICES_END : size;
    }

    /** Returns whether a byte of RAM is at an address, which has no sign. */
    public boolean contains(long address) {
        return address >= 0 && (address < lowEnd() || address >= DEVICES_END && address < end());
    }

    /** Returns whether so many bytes from an address on are RAM; for 0 bytes the end of RAM will do. */
    public boolean contains(long address, long length) {
        return address >= 0
                && length >= 0
                && (address <= lowEnd() - length || address >= DEVICES_END && address <= end() - length);
    }

    /** Returns where RAM is, in ascending order: one range, or two. */
    public List<Extent> extents() {
        Extent low = new Extent(0, lowEnd());
        return isSplit() ? List.of(low, new Extent(DEVICES_END, end())) : List.of(low);
    }

    /** Returns the number of bytes of RAM at lower addresses than this one, at which there is RAM. */
    public long offset(long address) {
        return address < DEVICES_END ? address : address - DEVICES_END + DEVICES;
    }

    /** Returns where RAM ends, as the end of a sentence about what is outside. */
    public String words() {
        return isSplit()
                ? "which is at "
                        + extents().stream()
                                .map(extent -> hex(extent.start()) + "-" + hex(extent.end() - 1))
                                .collect(Collectors.joining(" and "))
                : "which ends at " + hex(size - 1);
    }
}
