package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Reads 32-bit ELF executables for i386: program headers, entry point, symbols and sections.
 *
 * <p>Source: Tool Interface Standard (TIS) Executable and Linking Format Specification, version 1.2. Every offset and
 * size in a file counts as hostile: each is checked against the file before anything is read.
 */
public final class Elf32Reader {

    private static final int EI_CLASS = 4;
    private static final int EI_DATA = 5;
    private static final int ELFCLASS32 = 1;
    private static final int ELFCLASS64 = 2;
    private static final int ELFDATA2LSB = 1;
    private static final int ET_EXEC = 2;
    private static final int ET_DYN = 3;
    private static final int EM_386 = 3;
    private static final int PT_LOAD = 1;
    private static final int SHT_SYMTAB = 2;
    private static final int SHF_ALLOC = 1 << 1;
    private static final int SHN_UNDEF = 0;
    private static final int SHN_ABS = 0xfff1;
    private static final int STB_LOCAL = 0;
    private static final int STT_OBJECT = 1;
    private static final int STT_FUNC = 2;

    private static final int HEADER_SIZE = 52;
    private static final int PROGRAM_HEADER_SIZE = 32;
    private static final int SECTION_HEADER_SIZE = 40;
    private static final int SYMBOL_SIZE = 16;

    private final String name;
    private final ByteBuffer file;

    private Elf32Reader(String name, byte[] bytes) {
        this.name = name;
        this.file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns whether the bytes start with the ELF magic. */
    public static boolean isElf(byte[] bytes) {
        return bytes.length >= 4 && bytes[0] == 0x7f && bytes[1] == 'E' && bytes[2] == 'L' && bytes[3] == 'F';
    }

    /**
     * Reads an executable.
     *
     * @throws IllegalArgumentException if it is truncated, damaged, not an executable, or for another machine; the
     *     message says which
     */
    public static GuestImage read(String name, byte[] bytes) {
        return new Elf32Reader(name, bytes).read();
    }

    private GuestImage read() {
        require(0, HEADER_SIZE, "the ELF header");
        int elfClass = file.get(EI_CLASS);
        if (elfClass == ELFCLASS64) {
            throw error("is a 64-bit ELF file; long mode is not supported yet, link it for i386 (ld -m elf_i386)");
        }
        if (elfClass != ELFCLASS32 || file.get(EI_DATA) != ELFDATA2LSB) {
            throw error("is not a 32-bit little-endian ELF file (EI_CLASS " + elfClass + ", EI_DATA "
                    + file.get(EI_DATA) + ")");
        }
        int machine = u16(18);
        if (machine != EM_386) {
            throw error("is an ELF file for machine " + machine + ", not for i386 (" + EM_386 + ")");
        }
        int type = u16(16);
        if (type != ET_EXEC && type != ET_DYN) {
            throw error("is an ELF file of type " + type + ", not an executable (" + ET_EXEC
                    + "); an object file must be linked first");
        }
        return new GuestImage(
                name,
                GuestImage.Format.ELF32,
                readSegments(),
                OptionalLong.of(u32(24)),
                readSymbols(),
                file.array(),
                LineTable.of(file.array()),
                readSections());
    }

    private List<Segment> readSegments() {
        long table = u32(28);
        int entrySize = u16(42);
        int count = u16(44);
        if (count == 0) {
            throw error("has no program headers, so nothing to load");
        }
        if (entrySize < PROGRAM_HEADER_SIZE) {
            throw error("has program headers of " + entrySize + " bytes; " + PROGRAM_HEADER_SIZE + " are needed");
        }
        require(table, (long) entrySize * count, "the program headers");
        List<Segment> segments = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int at = (int) table + i * entrySize;
            long memorySize = u32(at + 20);
            long fileSize = u32(at + 16);
            if (u32(at) != PT_LOAD || memorySize == 0 && fileSize == 0) {
                continue;
            }
            long offset = u32(at + 4);
            require(offset, fileSize, "program header " + i);
            if (fileSize > memorySize) {
                throw error("has a program header " + i + " with more bytes in the file (" + hex(fileSize)
                        + ") than in memory (" + hex(memorySize) + ")");
            }
            byte[] data = new byte[(int) fileSize];
            file.get((int) offset, data);
            segments.add(new Segment(u32(at + 12), u32(at + 8), data, memorySize));
        }
        if (segments.isEmpty()) {
            throw error("has no PT_LOAD program header, so nothing to load");
        }
        requireDisjoint(segments);
        return segments;
    }

    private void requireDisjoint(List<Segment> segments) {
        for (Segment a : segments) {
            for (Segment b : segments) {
                if (a != b && a.physicalAddress() <= b.physicalAddress() && b.physicalAddress() < a.physicalEnd()) {
                    throw error("has two segments at the same physical addresses: " + range(a) + " and " + range(b));
                }
            }
        }
    }

    private static String range(Segment segment) {
        return hex(segment.physicalAddress()) + "-" + hex(segment.physicalEnd() - 1);
    }

    private List<Symbol> readSymbols() {
        long table = u32(32);
        int entrySize = u16(46);
        int count = u16(48);
        if (count == 0) {
            return List.of();
        }
        if (entrySize < SECTION_HEADER_SIZE) {
            throw error("has section headers of " + entrySize + " bytes; " + SECTION_HEADER_SIZE + " are needed");
        }
        require(table, (long) entrySize * count, "the section headers");
        List<Symbol> symbols = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int at = (int) table + i * entrySize;
            if (u32(at + 4) == SHT_SYMTAB) {
                long link = u32(at + 24);
                if (link >= count) {
                    throw error("has a symbol table whose string table " + link + " does not exist");
                }
                readSymbolTable(at, (int) table + (int) link * entrySize, symbols);
            }
        }
        return symbols;
    }

    private void readSymbolTable(int section, int stringSection, List<Symbol> symbols) {
        long start = u32(section + 16);
        long size = u32(section + 20);
        long strings = u32(stringSection + 16);
        long stringsSize = u32(stringSection + 20);
        require(start, size, "the symbol table");
        require(strings, stringsSize, "the symbol names");
        for (int at = (int) start; at + SYMBOL_SIZE <= start + size; at += SYMBOL_SIZE) {
            int type = file.get(at + 12) & 0xf;
            long nameOffset = u32(at);
            int definedIn = u16(at + 14);
            // An absolute symbol is a constant, not a place in the image.
            boolean isPlace = definedIn != SHN_UNDEF && definedIn != SHN_ABS;
            if (isPlace && nameOffset != 0 && type <= STT_FUNC) {
                long address = u32(at + 4);
                long bytes = u32(at + 8);
                boolean object = type == STT_OBJECT;
                boolean local = (file.get(at + 12) & 0xff) >> 4 == STB_LOCAL;
                // A symbol without a name that can be read is of no use, and no harm to the image.
                string(strings, stringsSize, nameOffset)
                        .map(name -> new Symbol(name, address, bytes, sectionEnd(definedIn), object, local))
                        .ifPresent(symbols::add);
            }
        }
    }

    /** To be called after {@link #readSymbols}, which checks the table. What has no readable name is left out. */
    private List<Section> readSections() {
        int count = u16(48);
        int names = u16(50);
        if (names >= count) {
            return List.of();
        }
        int strings = (int) u32(32) + names * u16(46);
        long start = u32(strings + 16);
        long size = u32(strings + 20);
        List<Section> sections = new ArrayList<>();
        for (int i = 0; i < count && start + size <= file.capacity(); i++) {
            int at = (int) u32(32) + i * u16(46);
            if ((u32(at + 8) & SHF_ALLOC) != 0) {
                string(start, size, u32(at))
                        .map(name -> new Section(name, u32(at + 12), u32(at + 20)))
                        .ifPresent(sections::add);
            }
        }
        return sections;
    }

    private long sectionEnd(int section) {
        int at = (int) u32(32) + section * u16(46);
        boolean isLoaded = section < u16(48) && (u32(at + 8) & SHF_ALLOC) != 0;
        return isLoaded ? u32(at + 12) + u32(at + 20) : Symbol.UNKNOWN_END;
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

    private void require(long offset, long size, String what) {
        if (offset + size > file.capacity()) {
            throw error("is truncated: " + what + " would take the bytes " + hex(offset) + " to " + hex(offset + size)
                    + ", the file has " + hex(file.capacity()));
        }
    }

    private int u16(int offset) {
        return Short.toUnsignedInt(file.getShort(offset));
    }

    private long u32(int offset) {
        return Integer.toUnsignedLong(file.getInt(offset));
    }

    private IllegalArgumentException error(String what) {
        return new IllegalArgumentException("image " + name + " " + what);
    }
}
