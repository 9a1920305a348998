package dev.kvmguest.vmm.memory;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * What lay where in a machine's memory when its guests started, and what lay dangerously close.
 *
 * @param ranges the known ranges, in ascending order of address; the rest of RAM was zero
 * @param warnings near misses, a sentence each; empty if there were none
 */
public record MemoryLayout(List<Range> ranges, List<String> warnings) {

    /** The layout of a machine about which nothing is known. */
    public static final MemoryLayout UNKNOWN = new MemoryLayout(List.of(), List.of());

    private static final int MOST_OVERLAPS = 64;

    /** What is in a range. */
    public enum Kind {
        /** What an image's file holds. */
        IMAGE,
        /** Zeroed memory after that. */
        BSS,
        /** A stack that an image's symbols name, or that real mode is entered with. */
        STACK,
        /** The GDT that the boot mode puts there. */
        GDT,
        /** The TSS that the boot mode puts there. */
        TSS,
        /** The IDT that the boot mode puts there. */
        IDT,
        /** The page directory that the boot mode puts there. */
        PAGE_DIRECTORY,
        /** The page tables that the boot mode puts there. */
        PAGE_TABLES,
        /** The GDT or the page tables that a boot loader puts at a place of its own choosing. */
        LOADER_TABLES,
        /** What a boot loader tells its kernel. */
        BOOT_INFORMATION,
        /** Video memory that a boot loader tells its kernel of. */
        FRAMEBUFFER,
        /** The vectors of real mode's interrupts, as firmware leaves them. */
        INTERRUPT_VECTORS,
        /** What firmware notes of the machine, from 0x400 on. */
        BIOS_DATA,
        /** The firmware's code, to which the interrupt vectors lead. */
        FIRMWARE,
        /** Video memory and firmware, on a PC. */
        HOLE,
        /** Addresses that are left to devices, between the two parts of RAM of more than 3 GiB. */
        DEVICES,
        /** The end of RAM, a range of no bytes. */
        END_OF_RAM;

        /** Returns whether the boot mode puts it there for the processor. */
        public boolean isBootTable() {
            return this == GDT
                    || this == TSS
                    || this == IDT
                    || this == PAGE_DIRECTORY
                    || this == PAGE_TABLES
                    || this == LOADER_TABLES;
        }

        /** Returns whether firmware has put it there before the guest. */
        public boolean isFirmware() {
            return this == INTERRUPT_VECTORS || this == BIOS_DATA || this == FIRMWARE;
        }
    }

    /**
     * A range of guest physical addresses.
     *
     * @param kind what is there
     * @param name the same in words
     * @param start the first address
     * @param end the address after the last
     */
    public record Range(Kind kind, String name, long start, long end) {

        /** Returns whether an address is one of the range. */
        public boolean contains(long address) {
            return start <= address && address < end;
        }

        /** Returns whether the two have an address in common. */
        public boolean overlaps(Range other) {
            return start < other.end && other.start < end;
        }

        /** Returns whether the two have an address in common and should not: a stack may be in an image or its BSS. */
        public boolean conflictsWith(Range other) {
            boolean twoNames = kind == other.kind && start == other.start && end == other.end;
            return overlaps(other) && !twoNames && !isStackIn(other) && !other.isStackIn(this);
        }

        /** Returns whether this is a stack that is part of an image or of its BSS. */
        public boolean isStackIn(Range image) {
            return kind == Kind.STACK
                    && (image.kind == Kind.BSS || image.kind == Kind.IMAGE)
                    && image.start <= start
                    && end <= image.end;
        }

        @Override
        public String toString() {
            return name + " at " + hex(start) + "-" + hex(Math.max(start, end - 1));
        }
    }

    /**
     * Two ranges that have addresses in common and should not.
     *
     * @param one the one that starts first
     * @param other the other
     */
    public record Overlap(Range one, Range other) {}

    public MemoryLayout {
        ranges = ranges.stream().sorted(Comparator.comparingLong(Range::start)).toList();
        warnings = List.copyOf(warnings);
    }

    /** Returns the ranges that a guest physical address is in, in ascending order of their starts. */
    public List<Range> at(long address) {
        return ranges.stream().filter(range -> range.contains(address)).toList();
    }

    /** Returns whether a physical address is in a range of this kind. */
    public boolean isIn(Kind kind, long address) {
        return ranges.stream().anyMatch(range -> range.kind() == kind && range.contains(address));
    }

    /** Returns the ranges that have addresses in common and should not, in pairs; the first 64. */
    public List<Overlap> overlaps() {
        List<Overlap> overlaps = new ArrayList<>();
        for (int i = 0; i < ranges.size(); i++) {
            Range one = ranges.get(i);
            ranges.subList(i + 1, ranges.size()).stream()
                    .takeWhile(other -> other.start() < one.end())
                    .filter(one::conflictsWith)
                    .limit(MOST_OVERLAPS - overlaps.size())
                    .forEach(other -> overlaps.add(new Overlap(one, other)));
        }
        return overlaps;
    }

    /** Returns the ranges, one per line with first and last address, size and name; lines ended by LF. */
    public String table() {
        StringBuilder table = new StringBuilder();
        ranges.forEach(range -> table.append(row(range)));
        return table.toString();
    }

    private static String row(Range range) {
        long size = range.end() - range.start();
        if (size == 0) {
            return String.format(Locale.ROOT, "%-40s%s\n", String.format("%#010x", range.start()), range.name());
        }
        String addresses = String.format("%#010x-%#010x ", range.start(), range.end() - 1);
        // Addresses above 4 GiB take room from the size.
        int width = Math.max(1, 32 - addresses.length());
        return String.format(Locale.ROOT, "%s%" + width + "d bytes  %s\n", addresses, size, range.name());
    }
}
