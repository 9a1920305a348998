package dev.kvmguest.vmm.internal.board;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What a PC usually has and a {@link PcBoard} hasn't, by its address: reads there are answered with all ones. */
public final class AbsentDevices {

    private record Range(long last, String name) {}

    private static final TreeMap<Long, Range> PORTS = new TreeMap<>();
    private static final TreeMap<Long, Range> MEMORY = new TreeMap<>();

    static {
        put(PORTS, 0x00, 0x0f, "DMA controller");
        put(PORTS, 0x81, 0x8f, "DMA controller");
        put(PORTS, 0xc0, 0xdf, "DMA controller");
        put(PORTS, 0x170, 0x177, "secondary IDE channel");
        put(PORTS, 0x1f0, 0x1f7, "primary IDE channel");
        put(PORTS, 0x278, 0x27a, "parallel port");
        put(PORTS, 0x2e8, 0x2ef, "COM4");
        put(PORTS, 0x2f8, 0x2ff, "COM2");
        put(PORTS, 0x376, 0x376, "secondary IDE channel");
        put(PORTS, 0x378, 0x37a, "parallel port");
        put(PORTS, 0x3e8, 0x3ef, "COM3");
        put(PORTS, 0x3f0, 0x3f5, "floppy disk controller");
        put(PORTS, 0x3f6, 0x3f6, "primary IDE channel");
        put(PORTS, 0x3f7, 0x3f7, "floppy disk controller");
        put(PORTS, 0xcf8, 0xcf8, "PCI bus");
        put(PORTS, 0xcfa, 0xcff, "PCI bus");
        put(MEMORY, 0xfec0_0000L, 0xfec0_0fffL, "I/O APIC");
        put(MEMORY, 0xfed0_0000L, 0xfed0_03ffL, "HPET");
        put(MEMORY, 0xfee0_0000L, 0xfee0_0fffL, "local APIC");
    }

    private AbsentDevices() {}

    private static void put(Map<Long, Range> ranges, long first, long last, String name) {
        ranges.put(first, new Range(last, name));
    }

    /** Returns what a PC has at a port, such as {@code COM2}; empty for a port that means nothing in particular. */
    public static Optional<String> atPort(int port) {
        return at(PORTS, port);
    }

    /**
     * Returns what a PC has at a guest physical address without RAM, such as {@code local APIC}; empty if nothing is
     * known.
     */
    public static Optional<String> atAddress(long physical) {
        return at(MEMORY, physical);
    }

    private static Optional<String> at(TreeMap<Long, Range> ranges, long address) {
        return Optional.ofNullable(ranges.floorEntry(address))
                .map(Map.Entry::getValue)
                .filter(range -> address <= range.last)
                .map(Range::name);
    }
}
