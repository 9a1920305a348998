package dev.kvmguest.vmm.internal.bus;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The 65,536 I/O ports of a board: finds the device behind a port, and records what the guest wrote where. A device is
 * handed an access whole; devices can be mapped and unmapped while the guest runs.
 *
 * <p>An access belongs to the device that has its first port. What it covers beyond that device's last port, and every
 * access whose first port no device has, is unclaimed: OUT is dropped, IN reads all ones, and the ports are recorded.
 * An access is not shared among neighbours, because the registers of a PC that overlap are told apart by it: a 32-bit
 * OUT to 0xCF8 sets the PCI address and leaves the reset register at 0xCF9 alone.
 */
public final class PortBus implements Persistent<PortBus.State> {

    /** Bytes kept per port and in all, so that a guest that writes for ever does not take the JVM's memory. */
    private static final int PORT_LOG_LIMIT = 1 << 20;

    private static final int LOG_LIMIT = 16 << 20;

    private record Mapping(int first, int count, IoDevice device) {}

    private final PortTable<Mapping> mappings = new PortTable<>();
    private final PortTable<ByteLog> written = new PortTable<>();
    private final NavigableSet<Integer> unclaimed = new TreeSet<>();
    private long logged;

    /**
     * Puts a device behind {@code count} ports.
     *
     * @throws IllegalArgumentException if a port lies outside 0 to 0xffff or has a device already
     */
    public void map(int firstPort, int count, IoDevice device) {
        if (firstPort < 0 || count < 1 || firstPort + count > PortTable.PORTS) {
            throw new IllegalArgumentException("ports " + hex(firstPort) + " + " + count + " are outside 0 to 0xffff");
        }
        Mapping mapping = new Mapping(firstPort, count, device);
        for (int port = firstPort; port < firstPort + count; port++) {
            if (mappings.get(port) != null) {
                throw new IllegalArgumentException("port " + hex(port) + " has a device already");
            }
            mappings.put(port, mapping);
        }
    }

    /** Returns whether a device has this port. */
    public boolean hasDevice(int port) {
        return mappings.get(port) != null;
    }

    /**
     * Takes away the device whose first port this is.
     *
     * @throws IllegalArgumentException if there is none
     */
    public void unmap(int firstPort) {
        Mapping mapping = firstPort < 0 || firstPort >= PortTable.PORTS ? null : mappings.get(firstPort);
        if (mapping == null || mapping.first != firstPort) {
            throw new IllegalArgumentException("no device begins at port " + hex(firstPort));
        }
        for (int port = firstPort; port < firstPort + mapping.count; port++) {
            mappings.put(port, null);
        }
    }

    /**
     * Carries out an OUT.
     *
     * @param width 1, 2 or 4 bytes
     * @param value the value, zero-extended
     */
    public void write(int port, int width, long value) {
        log(port, width, value);
        Mapping mapping = mappings.get(port);
        if (mapping == null) {
            recordUnclaimed(port, width);
            return;
        }
        int offset = port - mapping.first;
        if (isWhole(mapping, offset, width)) {
            mapping.device.write(offset, width, value);
            return;
        }
        for (int i = 0; i < width; i++) {
            if (offset + i < mapping.count) {
                mapping.device.write(offset + i, 1, value >>> 8 * i & 0xff);
            } else {
                recordUnclaimed(port + i, 1);
            }
        }
    }

    /**
     * Carries out an IN.
     *
     * @param width 1, 2 or 4 bytes
     * @return the value, zero-extended
     */
    public long read(int port, int width) {
        Mapping mapping = mappings.get(port);
        if (mapping == null) {
            recordUnclaimed(port, width);
            return (1L << 8 * width) - 1;
        }
        int offset = port - mapping.first;
        if (isWhole(mapping, offset, width)) {
            return mapping.device.read(offset, width);
        }
        long value = 0;
        for (int i = 0; i < width; i++) {
            long octet = 0xff;
            if (offset + i < mapping.count) {
                octet = mapping.device.read(offset + i, 1) & 0xff;
            } else {
                recordUnclaimed(port + i, 1);
            }
            value |= octet << 8 * i;
        }
        return value;
    }

    private static boolean isWhole(Mapping mapping, int offset, int width) {
        return width <= mapping.count - offset || mapping.device.takesBeyondItsEnd(width);
    }

    /**
     * Returns what the guest wrote to each port so far, the first 1 MiB of each and 16 MiB in all, wide values as
     * little-endian bytes, by the first port.
     */
    public synchronized Map<Integer, byte[]> written() {
        Map<Integer, byte[]> copy = new TreeMap<>();
        written.forEach((port, log) -> copy.put(port, log.toByteArray()));
        return copy;
    }

    /** Returns the ports that the guest used and no device has, in ascending order. */
    public synchronized NavigableSet<Integer> unclaimed() {
        return new TreeSet<>(unclaimed);
    }

    private Map<Integer, ByteLog.State> logs() {
        Map<Integer, ByteLog.State> logs = new TreeMap<>();
        written.forEach((port, log) -> logs.put(port, log.save()));
        return Map.copyOf(logs);
    }

    private synchronized void log(int port, int width, long value) {
        ByteLog log = written.get(port);
        if (log == null) {
            log = new ByteLog(PORT_LOG_LIMIT);
            written.put(port, log);
        }
        logged += width;
        if (logged <= LOG_LIMIT) {
            for (int i = 0; i < width; i++) {
                log.append((int) (value >>> 8 * i) & 0xff);
            }
        }
    }

    private synchronized void recordUnclaimed(int port, int width) {
        for (int i = port; i < port + width; i++) {
            // The neighbour that an access runs into has a device, even though it takes no part in the access.
            if (mappings.get(i & 0xffff) == null) {
                unclaimed.add(i & 0xffff);
            }
        }
    }

    @Override
    public synchronized State save() {
        return new State(logs(), logged, Set.copyOf(unclaimed));
    }

    @Override
    public synchronized void restore(State state) {
        written.clear();
        state.written.forEach((port, kept) -> {
            ByteLog log = new ByteLog(PORT_LOG_LIMIT);
            log.restore(kept);
            written.put(port, log);
        });
        logged = state.logged;
        unclaimed.clear();
        unclaimed.addAll(state.unclaimed);
    }

    /**
     * State of the bus; which devices are on it is up to them and the board.
     *
     * @param written what the guest wrote to each port
     * @param logged how many bytes that is in all, those included that were not kept
     * @param unclaimed the ports that the guest used and no device has
     */
    public record State(Map<Integer, ByteLog.State> written, long logged, Set<Integer> unclaimed) {}
}
