package dev.kvmguest.vmm.internal.bus;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Guest physical memory where no RAM is: finds the device behind an address, and records what no device has. What vCPUs
 * do in RAM never comes here.
 *
 * <p>An access belongs to the device that has its first address. What it covers beyond that device's end, and every
 * access whose first address no device has, is unclaimed: writes are dropped, reads give all ones. An access of 3, 5, 6
 * or 7 bytes, which is what is left of one that began in RAM, reaches a device as bytes.
 */
public final class MemoryBus {

    /** Enough to see where a guest went astray; a wild loop touches millions. */
    private static final int UNCLAIMED_LIMIT = 64;

    private record Mapping(long first, int size, IoDevice device) {

        long end() {
            return first + size;
        }
    }

    private final NavigableMap<Long, Mapping> mappings = new TreeMap<>();
    private final NavigableSet<Long> unclaimed = new TreeSet<>();

    /**
     * Puts a device at {@code size} bytes of guest physical memory.
     *
     * @throws IllegalArgumentException if the range is empty or wraps, or another device has a part of it
     */
    public void map(long first, int size, IoDevice device) {
        Mapping mapping = new Mapping(first, size, device);
        if (first < 0 || size < 1 || mapping.end() < 0) {
            throw new IllegalArgumentException("memory " + hex(first) + " + " + size + " is no range of addresses");
        }
        Map.Entry<Long, Mapping> before = mappings.lowerEntry(mapping.end());
        if (before != null && before.getValue().end() > first) {
            throw new IllegalArgumentException(
                    "memory at " + hex(Math.max(first, before.getKey())) + " has a device already");
        }
        mappings.put(first, mapping);
    }

    /**
     * Takes away the device that begins at an address.
     *
     * @throws IllegalArgumentException if none does
     */
    public void unmap(long first) {
        if (mappings.remove(first) == null) {
            throw new IllegalArgumentException("no device begins at memory " + hex(first));
        }
    }

    /**
     * Carries out a write.
     *
     * @param width 1 to 8 bytes
     * @param value the value, zero-extended
     */
    public void write(long address, int width, long value) {
        Mapping mapping = at(address);
        if (mapping == null) {
            recordUnclaimed(address);
            return;
        }
        int offset = (int) (address - mapping.first);
        if (isWhole(mapping, offset, width)) {
            mapping.device.write(offset, width, value);
            return;
        }
        int inside = Math.min(width, mapping.size - offset);
        for (int i = 0; i < inside; i++) {
            mapping.device.write(offset + i, 1, value >>> 8 * i & 0xff);
        }
        if (inside < width) {
            recordUnclaimed(mapping.end());
        }
    }

    /**
     * Carries out a read.
     *
     * @param width 1 to 8 bytes
     * @return the value, zero-extended
     */
    public long read(long address, int width) {
        long ones = width == Long.BYTES ? -1 : (1L << 8 * width) - 1;
        Mapping mapping = at(address);
        if (mapping == null) {
            recordUnclaimed(address);
            return ones;
        }
        int offset = (int) (address - mapping.first);
        if (isWhole(mapping, offset, width)) {
            return mapping.device.read(offset, width);
        }
        int inside = Math.min(width, mapping.size - offset);
        long value = ones;
        for (int i = 0; i < inside; i++) {
            long octet = mapping.device.read(offset + i, 1) & 0xff;
            value = value & ~(0xffL << 8 * i) | octet << 8 * i;
        }
        if (inside < width) {
            recordUnclaimed(mapping.end());
        }
        return value;
    }

    /** Returns the addresses that the guest used and no device has, the first few. */
    public synchronized NavigableSet<Long> unclaimed() {
        return new TreeSet<>(unclaimed);
    }

    private static boolean isWhole(Mapping mapping, int offset, int width) {
        return Integer.bitCount(width) == 1
                && (width <= mapping.size - offset || mapping.device.takesBeyondItsEnd(width));
    }

    private Mapping at(long address) {
        Map.Entry<Long, Mapping> before = mappings.floorEntry(address);
        return before == null || address >= before.getValue().end() ? null : before.getValue();
    }

    private synchronized void recordUnclaimed(long address) {
        if (unclaimed.size() < UNCLAIMED_LIMIT) {
            unclaimed.add(address);
        }
    }
}
