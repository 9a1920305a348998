package dev.kvmguest.vmm.internal.boot.layout;

import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.RamMap;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The memory of a PC, as its firmware tells it (INT 15h, AX=E820h). Here video memory and what else is not told of is
 * RAM as well, which a kernel can't know of a PC.
 *
 * <p>Source: Advanced Configuration and Power Interface Specification 6.5, 15.1, "INT 15H, E820H".
 */
public final class E820Map {

    /** Where memory above the video memory and the firmware begins. */
    public static final long HIGH_MEMORY = 0x10_0000;

    private static final long LOW_MEMORY_END = 0xa_0000;
    private static final long FIRMWARE = 0xf_0000;

    private static final int AVAILABLE = 1;
    private static final int RESERVED = 2;

    private E820Map() {}

    /**
     * A range of physical addresses.
     *
     * @param start the first
     * @param end the address after the last
     * @param available whether it is RAM for the kernel; else it is reserved
     */
    public record Entry(long start, long end, boolean available) {

        /** Returns the number for it, by which boot protocols tell it too: 1 for RAM, 2 for what is reserved. */
        public int type() {
            return available ? AVAILABLE : RESERVED;
        }

        /** Returns its size in bytes. */
        public long length() {
            return end - start;
        }
    }

    /**
     * Returns the entries in ascending order, none of which has an address in common with another. What has been taken
     * for a framebuffer by now is reserved.
     */
    public static List<Entry> of(LayoutPlan plan, Firmware firmware) {
        List<Entry> map = ofRam(plan.ram(), firmware);
        plan.all().stream()
                .filter(range -> range.kind() == Kind.FRAMEBUFFER)
                .forEach(range -> reserve(map, range.start(), range.end()));
        return map;
    }

    /** Returns the bytes of RAM from 1 MiB to the first address that isn't the kernel's. */
    public static long upperMemory(List<Entry> map) {
        return map.stream()
                .filter(entry -> entry.available() && entry.start() == HIGH_MEMORY)
                .mapToLong(Entry::length)
                .sum();
    }

    private static void reserve(List<Entry> map, long start, long end) {
        Entry whole = map.stream()
                .filter(entry -> entry.start() <= start && end <= entry.end())
                .findFirst()
                .orElseThrow();
        List<Entry> parts = Stream.of(
                        new Entry(whole.start(), start, true),
                        new Entry(start, end, false),
                        new Entry(end, whole.end(), true))
                .filter(part -> part.length() > 0)
                .toList();
        int index = map.indexOf(whole);
        map.remove(index);
        map.addAll(index, parts);
    }

    private static List<Entry> ofRam(RamMap ram, Firmware firmware) {
        List<Entry> map = new ArrayList<>();
        map.add(new Entry(0, firmware.lowMemory(), true));
        long lowEnd = Math.min(ram.size(), LOW_MEMORY_END);
        if (firmware.lowMemory() < lowEnd) {
            map.add(new Entry(firmware.lowMemory(), lowEnd, false));
        }
        if (ram.size() > FIRMWARE) {
            map.add(new Entry(FIRMWARE, Math.min(ram.size(), HIGH_MEMORY), false));
        }
        if (ram.size() > HIGH_MEMORY) {
            map.add(new Entry(HIGH_MEMORY, ram.lowEnd(), true));
        }
        if (ram.isSplit()) {
            map.add(new Entry(RamMap.DEVICES_END, ram.end(), true));
        }
        return map;
    }
}
