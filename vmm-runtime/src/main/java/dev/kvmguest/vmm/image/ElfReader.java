package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Reads ELF executables for i386 and x86-64: program headers, entry point, symbols and sections.
 *
 * <p>Every offset and size in a file counts as hostile: each is checked against the file before anything is read.
 */
public final class ElfReader {

    private static final int PT_LOAD = 1;
    private static final int PAGE = 0x1000;
    private static final int SHT_SYMTAB = 2;
    private static final int SHF_ALLOC = 1 << 1;
    private static final int SHN_UNDEF = 0;
    private static final int SHN_ABS = 0xfff1;
    private static final int STB_LOCAL = 0;
    private static final int STT_OBJECT = 1;
    private static final int STT_FUNC = 2;

    private final String name;
    private final ByteBuffer file;
    private final ElfLayout layout;

    private ElfReader(String name, byte[] bytes, ElfLayout layout) {
        this.name = name;
        this.file = ElfLayout.buffer(bytes);
        this.layout = layout;
    }

    /** Returns whether the bytes start with the ELF magic. */
    public static boolean isElf(byte[] bytes) {
        return bytes.length >= 4 && bytes[0] == 0x7f && bytes[1] == 'E' && bytes[2] == 'L' && bytes[3] == 'F';
    }

    /**
     * Reads an executable.
     *
     * @throws IllegalArgumentException if it is truncated, damaged, not an executable, position-independent without an
     *     address of its own (but for Limine's protocol), or for another machine; the message says which, and how to
     *     link it
     */
    public static GuestImage read(String name, byte[] bytes) {
        return new ElfReader(name, bytes, ElfKind.require(name, bytes)).read();
    }

    /**
     * Refuses a position-independent executable with relocations. {@link #read} takes one that is meant for the Limine
     * boot protocol, whose loaders apply them.
     *
     * @throws IllegalArgumentException if it is one
     */
    public static void requireFixedAddresses(GuestImage image) {
        ElfLayout.of(image.file())
                .filter(layout -> image.format().isElf())
                .ifPresent(layout -> ElfKind.requireFixedAddresses(
                        image.name(),
                        ElfLayout.buffer(image.file()),
                        layout,
                        new ElfReader(image.name(), image.file(), layout).readSegments()));
    }

    private GuestImage read() {
        List<Segment> segments = readSegments();
        List<Symbol> symbols = readSymbols();
        if (!layout.is64() || !LimineMagic.isIn(segments)) {
            ElfKind.requireFixedAddresses(name, file, layout, segments);
        }
        long slide = layout.is64() && ElfKind.isPositionIndependent(file) ? slide(segments) : 0;
        return new GuestImage(
                name,
                layout.is64() ? GuestImage.Format.ELF64 : GuestImage.Format.ELF32,
                segments.stream().map(segment -> slid(segment, slide)).toList(),
                OptionalLong.of(word(layout.header().entry()) + slide),
                symbols.stream().map(symbol -> slid(symbol, slide)).toList(),
                file.array(),
                LineTable.of(file.array(), slide),
                readSections().stream()
                        .map(section -> new Section(section.name(), section.address() + slide, section.size()))
                        .toList());
    }

    /**
     * Returns how far a loader of the Limine boot protocol moves a position-independent file that isn't linked for the
     * last 2 GiB: as far as it takes to get there. Only such a file comes here that is meant for that protocol, or that
     * has fixed addresses all the same.
     */
    private static long slide(List<Segment> segments) {
        long lowest = segments.stream()
                .map(Segment::virtualAddress)
                .min(Long::compareUnsigned)
                .orElseThrow();
        return LimineMagic.isIn(segments) && Long.compareUnsigned(lowest, LimineMagic.LOWEST_ADDRESS) < 0
                ? LimineMagic.LOWEST_ADDRESS - (lowest & -PAGE)
                : 0;
    }

    private static Segment slid(Segment segment, long slide) {
        return new Segment(
                segment.physicalAddress(), segment.virtualAddress() + slide, segment.data(), segment.memorySize());
    }

    private static Symbol slid(Symbol symbol, long slide) {
        long end = symbol.sectionEnd();
        return new Symbol(
                symbol.name(),
                symbol.address() + slide,
                symbol.size(),
                end == Symbol.UNKNOWN_END ? end : end + slide,
                symbol.object(),
                symbol.local());
    }

    private List<Segment> readSegments() {
        ElfLayout.ProgramHeader header = layout.programHeader();
        long table = word(layout.header().programHeaders());
        int entrySize = u16(layout.header().programHeaderSize());
        int count = u16(layout.header().programHeaderCount());
        if (count == 0) {
            throw error("has no program headers, so nothing to load");
        }
        if (entrySize < header.size()) {
            throw error("has program headers of " + entrySize + " bytes; " + header.size() + " are needed");
        }
        require(table, (long) entrySize * count, "the program headers");
        List<Segment> segments = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int at = (int) table + i * entrySize;
            long memorySize = word(at + header.memorySize());
            long fileSize = word(at + header.fileSize());
            if (u32(at) != PT_LOAD || memorySize == 0 && fileSize == 0) {
                continue;
            }
            long offset = word(at + header.offset());
            require(offset, fileSize, "program header " + i);
            if (Long.compareUnsigned(fileSize, memorySize) > 0) {
                throw error("has a program header " + i + " with more bytes in the file (" + hex(fileSize)
                        + ") than in memory (" + hex(memorySize) + ")");
            }
            byte[] data = new byte[(int) fileSize];
            file.get((int) offset, data);
            Segment segment = new Segment(
                    word(at + header.physicalAddress()), word(at + header.virtualAddress()), data, memorySize);
            requireAddresses(i, segment);
            segments.add(segment);
        }
        if (segments.isEmpty()) {
            throw error("has no PT_LOAD program header, so nothing to load");
        }
        requireDisjoint(segments);
        return segments;
    }

    /** With addresses of 32 bits nothing can wrap round in the 64 that they are kept in. */
    private void requireAddresses(int number, Segment segment) {
        if (!layout.is64()) {
            return;
        }
        requireNoWrap(number, "physical", segment.physicalAddress(), segment.memorySize());
        requireNoWrap(number, "virtual", segment.virtualAddress(), segment.memorySize());
        long last = segment.virtualAddress() + segment.memorySize() - 1;
        if (!isCanonical(segment.virtualAddress()) || !isCanonical(last)) {
            throw error("has a program header " + number + " for the virtual addresses " + hex(segment.virtualAddress())
                    + "-" + hex(last) + ", of which some are not canonical: no x86-64 processor with 4-level paging"
                    + " has 0x800000000000-0xffff7fffffffffff; link it elsewhere");
        }
    }

    private void requireNoWrap(int number, String kind, long address, long size) {
        // One that ends with the last address of all would have an end of 0.
        if (Long.compareUnsigned(address + size, address) < 0 || size < 0) {
            throw error("has a program header " + number + " of " + hex(size) + " bytes from the " + kind + " address "
                    + hex(address) + " on, which is past the end of all addresses");
        }
    }

    private static boolean isCanonical(long address) {
        return address << 16 >> 16 == address;
    }

    private void requireDisjoint(List<Segment> segments) {
        for (Segment a : segments) {
            for (Segment b : segments) {
                if (a != b && a.holdsPhysical(b.physicalAddress())) {
                    throw error("has two segments at the same physical addresses: " + range(a) + " and " + range(b));
                }
            }
        }
    }

    private static String range(Segment segment) {
        return hex(segment.physicalAddress()) + "-" + hex(segment.physicalEnd() - 1);
    }

    private List<Symbol> readSymbols() {
        ElfLayout.SectionHeader header = layout.sectionHeader();
        long table = word(layout.header().sectionHeaders());
        int entrySize = sectionHeaderSize();
        int count = sectionCount();
        if (count == 0) {
            return List.of();
        }
        if (entrySize < header.size()) {
            throw error("has section headers of " + entrySize + " bytes; " + header.size() + " are needed");
        }
        require(table, (long) entrySize * count, "the section headers");
        List<Symbol> symbols = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            if (u32(section(i) + 4) == SHT_SYMTAB) {
                long link = u32(section(i) + header.link());
                if (link >= count) {
                    throw error("has a symbol table whose string table " + link + " does not exist");
                }
                readSymbolTable(section(i), section((int) link), symbols);
            }
        }
        return symbols;
    }

    private void readSymbolTable(int section, int stringSection, List<Symbol> symbols) {
        ElfLayout.SymbolEntry entry = layout.symbol();
        long start = word(section + layout.sectionHeader().offset());
        long size = word(section + layout.sectionHeader().length());
        long strings = word(stringSection + layout.sectionHeader().offset());
        long stringsSize = word(stringSection + layout.sectionHeader().length());
        require(start, size, "the symbol table");
        require(strings, stringsSize, "the symbol names");
        for (int at = (int) start; at + entry.size() <= start + size; at += entry.size()) {
            int info = Byte.toUnsignedInt(file.get(at + entry.info()));
            int type = info & 0xf;
            long nameOffset = u32(at);
            int definedIn = u16(at + entry.section());
            // An absolute symbol is a constant, not a place in the image.
            boolean isPlace = definedIn != SHN_UNDEF && definedIn != SHN_ABS;
            if (isPlace && nameOffset != 0 && type <= STT_FUNC) {
                long address = word(at + entry.value());
                long bytes = word(at + entry.length());
                boolean object = type == STT_OBJECT;
                boolean local = info >> 4 == STB_LOCAL;
                // A symbol without a name that can be read is of no use, and no harm to the image.
                string(strings, stringsSize, nameOffset)
                        .map(name -> new Symbol(name, address, bytes, sectionEnd(definedIn), object, local))
                        .ifPresent(symbols::add);
            }
        }
    }

    /** To be called after {@link #readSymbols}, which checks the table. What has no readable name is left out. */
    private List<Section> readSections() {
        ElfLayout.SectionHeader header = layout.sectionHeader();
        int count = sectionCount();
        int names = u16(layout.header().sectionNames());
        if (names >= count) {
            return List.of();
        }
        long start = word(section(names) + header.offset());
        long size = word(section(names) + header.length());
        List<Section> sections = new ArrayList<>();
        for (int i = 0; i < count && fits(start, size); i++) {
            int at = section(i);
            if (isLoaded(i)) {
                string(start, size, u32(at))
                        .map(name -> new Section(name, word(at + header.address()), word(at + header.length())))
                        .ifPresent(sections::add);
            }
        }
        return sections;
    }

    private long sectionEnd(int section) {
        ElfLayout.SectionHeader header = layout.sectionHeader();
        return section < sectionCount() && isLoaded(section)
                ? word(section(section) + header.address()) + word(section(section) + header.length())
                : Symbol.UNKNOWN_END;
    }

    private boolean isLoaded(int section) {
        return (u32(section(section) + 8) & SHF_ALLOC) != 0;
    }

    private int sectionCount() {
        return u16(layout.header().sectionHeaderCount());
    }

    private int sectionHeaderSize() {
        return u16(layout.header().sectionHeaderSize());
    }

    private int section(int number) {
        return (int) word(layout.header().sectionHeaders()) + number * sectionHeaderSize();
    }

    /** Returns a name; empty if it lies outside the names, or is not text in UTF-8. */
    private Optional<String> string(long strings, long stringsSize, long offset) {
        if (offset >= stringsSize) {
            return Optional.empty();
        }
        int start = (int) (strings + offset);
        int limit = (int) (strings + stringsSize);
        int end = start;
        while (end < limit && file.get(end) != 0) {
            end++;
        }
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(file.slice(start, end - start))
                    .toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    private boolean fits(long offset, long size) {
        return offset >= 0 && size >= 0 && size <= file.capacity() && offset <= file.capacity() - size;
    }

    private void require(long offset, long size, String what) {
        if (!fits(offset, size)) {
            throw ElfKind.truncated(name, what, offset, size, file.capacity());
        }
    }

    private int u16(int offset) {
        return Short.toUnsignedInt(file.getShort(offset));
    }

    private long u32(int offset) {
        return Integer.toUnsignedLong(file.getInt(offset));
    }

    private long word(int offset) {
        return layout.word(file, offset);
    }

    private IllegalArgumentException error(String what) {
        return new IllegalArgumentException("image " + name + " " + what);
    }
}
