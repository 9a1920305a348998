package dev.kvmguest.vmm.image;

import dev.kvmguest.vmm.text.Notation;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A guest's code and data as read from a file: a flat binary or an ELF executable for i386 or x86-64.
 *
 * <p>Addresses are unsigned: those of a 64-bit kernel in the upper half of linear memory are negative numbers.
 *
 * @param name what reports call the guest
 * @param format the file's format
 * @param segments the parts that go into memory, in ascending order of {@link Segment#physicalAddress()}, unsigned; at
 *     least one
 * @param entry the entry point that the file names; empty for a flat binary
 * @param symbols the functions and other labels that the file names, in ascending order of address, unsigned
 * @param file the whole file, in which a boot loader looks for a header; not to be changed
 * @param lines the source lines of its code, as far as the file, or the ELF file that it was made from, has them
 * @param sections the linker's sections that are in memory, as far as the same files name them, in their order
 */
public record GuestImage(
        String name,
        Format format,
        List<Segment> segments,
        OptionalLong entry,
        List<Symbol> symbols,
        byte[] file,
        LineTable lines,
        List<Section> sections) {

    private static final int SECTOR = 512;

    /** A file format that can be booted. */
    public enum Format {
        /** Bytes without a header, loaded where the configuration says. */
        FLAT,
        /** A 32-bit little-endian ELF executable for i386, loaded at its program headers' physical addresses. */
        ELF32,
        /** A 64-bit little-endian ELF executable for x86-64, loaded alike. */
        ELF64;

        /** Returns whether the file is an ELF file of either class. */
        public boolean isElf() {
            return this != FLAT;
        }
    }

    /**
     * A part of an image that is contiguous in memory.
     *
     * @param physicalAddress where the first byte goes; 0 in a flat binary, which doesn't say
     * @param virtualAddress the address at which the code expects to see the first byte
     * @param data the bytes that the file holds; not to be changed
     * @param memorySize bytes in memory, at least {@code data.length}; those that the file doesn't hold are zero
     */
    public record Segment(long physicalAddress, long virtualAddress, byte[] data, long memorySize) {

        /** Returns the physical address just past the segment. */
        public long physicalEnd() {
            return physicalAddress + memorySize;
        }

        /** Returns the segment at another physical address. */
        public Segment movedTo(long address) {
            return new Segment(address, virtualAddress, data, memorySize);
        }

        /** Returns whether a physical address is in the segment. */
        public boolean holdsPhysical(long address) {
            return Long.compareUnsigned(address - physicalAddress, memorySize) < 0;
        }

        /** Returns whether the code expects to see the segment at a linear address. */
        public boolean holdsVirtual(long address) {
            return Long.compareUnsigned(address - virtualAddress, memorySize) < 0;
        }
    }

    /**
     * A named address.
     *
     * @param name the name as the linker wrote it
     * @param address its linear address
     * @param size bytes, 0 if the file doesn't say
     * @param sectionEnd the linear address just past the section that it lies in; {@link #UNKNOWN_END} if that isn't
     *     known
     * @param object whether it is a variable or an array by its type in the file
     * @param local whether only its own source file can name it, such as a static function of C
     */
    public record Symbol(String name, long address, long size, long sectionEnd, boolean object, boolean local) {

        /** The section end of a symbol whose section isn't known. */
        public static final long UNKNOWN_END = Long.MAX_VALUE;

        /** Creates a symbol that every source file can name. */
        public Symbol(String name, long address, long size, long sectionEnd, boolean object) {
            this(name, address, size, sectionEnd, object, false);
        }

        /** Creates a symbol that isn't known to be an object. */
        public Symbol(String name, long address, long size, long sectionEnd) {
            this(name, address, size, sectionEnd, false);
        }

        /** Creates a symbol whose section isn't known, and that isn't known to be an object. */
        public Symbol(String name, long address, long size) {
            this(name, address, size, UNKNOWN_END);
        }

        private boolean reaches(long place) {
            if (size == 0 && sectionEnd == UNKNOWN_END) {
                // No section reaches from one half of linear memory into the other.
                return (place ^ address) >= 0 && Long.compareUnsigned(address, place) <= 0;
            }
            return Long.compareUnsigned(place - address, size == 0 ? toSectionEnd() : size) < 0;
        }

        /** Returns the bytes to the section's end: 0 for a linker script's label that comes after its section. */
        private long toSectionEnd() {
            return Long.compareUnsigned(address, sectionEnd) < 0 ? sectionEnd - address : 0;
        }
    }

    /**
     * A part of an ELF file that is in memory when the guest runs.
     *
     * @param name its name, such as {@code .init_array}
     * @param address its linear address
     * @param size bytes
     */
    public record Section(String name, long address, long size) {

        /** Returns whether a linear address is in it. */
        public boolean contains(long place) {
            return Long.compareUnsigned(place - address, size) < 0;
        }
    }

    public GuestImage {
        if (segments.isEmpty()) {
            throw new IllegalArgumentException("image " + name + " has nothing to load");
        }
        segments = segments.stream()
                .sorted(Comparator.comparing(Segment::physicalAddress, Long::compareUnsigned))
                .toList();
        symbols = symbols.stream()
                // Of two at an address the later one is taken: rather the guest's than one that linkers define.
                .sorted(Comparator.comparing(Symbol::address, Long::compareUnsigned)
                        .thenComparing(symbol -> !symbol.name().startsWith("__")))
                .toList();
        sections = List.copyOf(sections);
    }

    /** Creates an image with the source lines that its file has, and without sections. */
    public GuestImage(
            String name, Format format, List<Segment> segments, OptionalLong entry, List<Symbol> symbols, byte[] file) {
        this(name, format, segments, entry, symbols, file, LineTable.of(file), List.of());
    }

    /** Creates an image that was not read from a file. */
    public GuestImage(String name, Format format, List<Segment> segments, OptionalLong entry, List<Symbol> symbols) {
        this(name, format, segments, entry, symbols, new byte[0]);
    }

    /** Returns this image with the segments and entry point that a boot protocol gives it. */
    public GuestImage placed(List<Segment> newSegments, long newEntry) {
        return new GuestImage(name, format, newSegments, OptionalLong.of(newEntry), symbols, file, lines, sections);
    }

    /**
     * Reads an image file. A file that starts with the ELF magic is read as ELF, any other as a flat binary.
     *
     * @throws IOException if the file can't be read
     * @throws IllegalArgumentException if it is empty, a damaged ELF file, or an ELF file for another machine
     */
    public static GuestImage read(Path file) throws IOException {
        return of(file.getFileName().toString(), Files.readAllBytes(file));
    }

    /**
     * Reads an image from a class path or any other address, as {@link #read(Path)} does.
     *
     * @param name what reports call the guest
     * @throws IOException if it can't be read
     * @throws IllegalArgumentException if it is empty, a damaged ELF file, or an ELF file for another machine
     */
    public static GuestImage read(String name, URL url) throws IOException {
        return of(name, Resources.read(url));
    }

    /**
     * Reads an image from its bytes, as {@link #read(Path)} does.
     *
     * @throws IllegalArgumentException if there are no bytes, or they are a damaged or foreign ELF file
     */
    public static GuestImage of(String name, byte[] bytes) {
        return ElfReader.isElf(bytes) ? ElfReader.read(name, bytes) : flat(name, bytes);
    }

    /**
     * Returns a flat image of these bytes.
     *
     * @throws IllegalArgumentException if there are no bytes
     */
    public static GuestImage flat(String name, byte[] bytes) {
        if (bytes.length == 0) {
            throw new IllegalArgumentException("image " + name + " is empty");
        }
        byte[] file = bytes.clone();
        Segment all = new Segment(0, 0, file, file.length);
        return new GuestImage(name, Format.FLAT, List.of(all), OptionalLong.empty(), List.of(), file);
    }

    /** Returns whether this is a flat binary of 512 bytes with a PC's boot signature, 0x55 0xAA, at their end. */
    public boolean isBootSector() {
        return format == Format.FLAT
                && file.length == SECTOR
                && file[SECTOR - 2] == 0x55
                && file[SECTOR - 1] == (byte) 0xaa;
    }

    /** Returns the lowest physical address that the image takes. */
    public long physicalStart() {
        return segments.get(0).physicalAddress();
    }

    /** Returns the physical address just past the image, zero-filled parts included. */
    public long physicalEnd() {
        return segments.stream()
                .map(Segment::physicalEnd)
                .max(Long::compareUnsigned)
                .orElseThrow();
    }

    /** Returns the same image moved as a whole in physical memory, so that it starts at {@code load}. */
    public GuestImage movedTo(long load) {
        long by = load - physicalStart();
        return withSegments(segments.stream()
                .map(segment -> segment.movedTo(segment.physicalAddress() + by))
                .toList());
    }

    /** Returns the same image with other segments. */
    public GuestImage withSegments(List<Segment> newSegments) {
        return new GuestImage(name, format, newSegments, entry, symbols, file, lines, sections);
    }

    /**
     * Returns the tests that the guest defines with {@code KVMGUEST_TEST} of {@code kvmguest.h}, in the order of their
     * files and lines. The list is empty if the image has no table of tests; a flat binary never has one.
     *
     * @throws IllegalArgumentException if the table is damaged, or two tests have one name
     */
    public List<GuestTestCase> guestTests() {
        return GuestTestTable.read(this);
    }

    /**
     * Returns this flat binary with the symbols, source lines and sections of the ELF file that it was made from, the
     * address at which the code expects its first byte, and the zeroed memory after it. An ELF file with other bytes
     * changes nothing.
     */
    public GuestImage withDetailsOf(GuestImage elf) {
        byte[] bytes = segments.get(0).data();
        Optional<Segment> first = elf.segments.stream()
                .filter(segment -> segment.data().length > 0)
                .findFirst();
        if (first.isEmpty()
                || first.get().data().length > bytes.length
                || !Arrays.equals(
                        first.get().data(), Arrays.copyOf(bytes, first.get().data().length))) {
            return this;
        }
        long memorySize = Math.max(bytes.length, elf.physicalEnd() - first.get().physicalAddress());
        Segment all = new Segment(physicalStart(), first.get().virtualAddress(), bytes, memorySize);
        return new GuestImage(name, format, List.of(all), entry, elf.symbols, file, elf.lines, elf.sections);
    }

    /**
     * Returns the ELF file that {@link #withDetailsOf} was given, from which symbols, source lines and sections are;
     * not to be changed. Empty if the image has those of its own file.
     */
    public Optional<byte[]> detailsFile() {
        return Optional.of(lines.file()).filter(other -> other != file);
    }

    /**
     * Returns the symbol that an address lies in by the symbol's size, else the nearest label before it in the same
     * section.
     *
     * @param address an address as the code sees it, such as its EIP; not a physical one
     */
    public Optional<Symbol> symbolAt(long address) {
        Symbol best = null;
        for (Symbol symbol : symbols) {
            if (Long.compareUnsigned(symbol.address(), address) > 0) {
                break;
            }
            // A label in the middle of a function is not what the function is known by.
            boolean isBetter = best == null || symbol.size() > 0 || best.size() == 0;
            if (isBetter && symbol.reaches(address)) {
                best = symbol;
            }
        }
        return Optional.ofNullable(best);
    }

    /**
     * Returns the symbol of an address, as {@link #symbolAt} finds it, with the distance from it in bytes:
     * {@code memset+0x1f}, or {@code memset} at its first byte.
     *
     * @param address an address as the code sees it, such as its EIP; not a physical one
     */
    public Optional<String> symbolWithOffset(long address) {
        return symbolAt(address).map(symbol -> {
            long offset = address - symbol.address();
            return offset == 0 ? symbol.name() : symbol.name() + "+" + Notation.hex(offset);
        });
    }

    /**
     * Returns the source line that the instruction at an address was compiled from, such as {@code common.c:6}, if the
     * file says.
     *
     * @param address an address as the code sees it, such as its EIP; not a physical one
     */
    public Optional<String> sourceAt(long address) {
        return lines.lineAt(address).map(SourceLine::toString);
    }
}
