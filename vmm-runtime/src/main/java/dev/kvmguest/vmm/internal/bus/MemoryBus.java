package dev.kvmguest.vmm.internal.bus;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Guest physical memory where no RAM is: finds the device at an address, and records the addresses that have none. What
 * vCPUs do in RAM never comes here. Devices can be mapped and unmapped while the guest runs.
 *
 * <p>An access belongs to the device that has its first address. What it covers beyond that device's end, and every
 * access whose first address no device has, is unclaimed: writes are dropped, reads give all ones. A device is handed
 * an access whole. One of 3, 5, 6 or 7 bytes, which is what is left of one that began in RAM, reaches it as bytes.
 */
public final class MemoryBus implements Persistent<MemoryBus.State> {

    /** Enough to see where a guest went astray; a wild loop touches millions. */
    private static final int UNCLAIMED_LIMIT = 64;

    private record Range(long first, int size, IoDevice device) {

        long end() {
            return first + size;
        }
    }

    private final NavigableMap<Long, Range> ranges = new TreeMap<>();
    private final NavigableSet<Long> unclaimed = new TreeSet<>();

    /**
     * Puts a device at {@code size} bytes of guest physical memory.
     *
     * @throws IllegalArgumentException if the range is empty or wraps, or another device has a part of it
     */
    public void map(long first, int size, IoDevice device) {
        Range range = new Range(first, size, device);
        if (first < 0 || size < 1 || range.end() < 0) {
            throw new IllegalArgumentException("memory " + hex(first) + " + " + size + " is no range of addresses");
        }
        Map.Entry<Long, Range> before = ranges.lowerEntry(range.end());
        if (before != null && before.getValue().end() > first) {
            throw new IllegalArgumentException(
                    "memory at " + hex(Math.max(first, before.getKey())) + " has a device already");
        }
        ranges.put(first, range);
    }

    /** Returns whether a device has this address. */
    public boolean hasDevice(long address) {
        Map.Entry<Long, Range> at = ranges.floorEntry(address);
        return at != null && address < at.getValue().end();
    }

    /**
     * Takes away the device that begins at an address.
     *
     * @throws IllegalArgumentException if none does
     */
    public void unmap(long first) {
        if (ranges.remove(first) == null) {
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
        Range range = at(address);
        if (range == null) {
            recordUnclaimed(address);
            return;
        }
        int offset = (int) (address - range.first);
        if (isWhole(range, offset, width)) {
            range.device.write(offset, width, value);
            return;
        }
        int inside = Math.min(width, range.size - offset);
        for (int i = 0; i < inside; i++) {
            range.device.write(offset + i, 1, value >>> 8 * i & 0xff);
        }
        if (inside < width) {
            recordUnclaimed(range.end());
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
        Range range = at(address);
        if (range == null) {
            recordUnclaimed(address);
            return ones;
        }
        int offset = (int) (address - range.first);
        if (isWhole(range, offset, width)) {
            return range.device.read(offset, width);
        }
        int inside = Math.min(width, range.size - offset);
        long value = ones;
        for (int i = 0; i < inside; i++) {
            long octet = range.device.read(offset + i, 1) & 0xff;
            value = value & ~(0xffL << 8 * i) | octet << 8 * i;
        }
        if (inside < width) {
            recordUnclaimed(range.end());
        }
        return value;
    }

    /** Returns the addresses that the guest used and no device has, the first few. */
    public synchronized NavigableSet<Long> unclaimed() {
        return new TreeSet<>(unclaimed);
    }

    private static boolean isWhole(Range range, int offset, int width) {
        return Integer.bitCount(width) == 1 && (width <= range.size - offset || range.device.takesBeyondItsEnd(width));
    }

    private Range at(long address) {
        Map.Entry<Long, Range> before = ranges.floorEntry(address);
        return before == null || address >= before.getValue().end() ? null : before.getValue();
    }

    private synchronized void recordUnclaimed(long address) {
        if (unclaimed.size() < UNCLAIMED_LIMIT) {
            unclaimed.add(address);
        }
    }

    @Override
    public synchronized State save() {
        return new State(Set.copyOf(unclaimed));
    }

    @Override
    public synchronized void restore(State state) {
        unclaimed.clear();
        unclaimed.addAll(state.unclaimed);
    }

    /** State of the bus: the first addresses that no device has. Which devices are on it is up to the board. */
    public record State(Set<Long> unclaimed) {}
}
