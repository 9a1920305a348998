package dev.kvmguest.vmm.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Builds ELF files of 32 or 64 bits byte by byte: the header, program headers, the segments' bytes, symbols and their names, other
 * sections and the sections' names, section headers; in that order without gaps, so that a file cut anywhere lacks
 * something that a reader needs.
 */
public final class ElfBuilder {

    static final int HEADER = 52;
    static final int PROGRAM_HEADER = 32;
    static final int SECTION_HEADER = 40;
    static final int SYMBOL = 16;

    static final int PT_LOAD = 1;
    static final int PT_NOTE = 4;
    static final int NOTYPE = 0;
    static final int OBJECT = 1;
    static final int FUNC = 2;
    static final int SECTION = 3;
    static final int FILE = 4;

    static final int ALLOC = 2;
    static final int COMPRESSED = 0x800;

    private record Segment(int type, long physical, long virtual, byte[] data, long memorySize, int rights) {}

    private record Symbol(String name, long address, long size, int type, int section) {}

    private record Section(String name, int flags, long address, long size, byte[] data) {}

    private final boolean is64;
    private final List<Segment> segments = new ArrayList<>();
    private final List<Symbol> symbols = new ArrayList<>();
    private final List<Section> sections = new ArrayList<>();
    private long entry;
    private int type = 2;

    /** Creates a builder of a 32-bit file for i386. */
    public ElfBuilder() {
        this(false);
    }

    private ElfBuilder(boolean is64) {
        this.is64 = is64;
    }

    /** Returns a builder of a 64-bit file for x86-64. */
    public static ElfBuilder of64() {
        return new ElfBuilder(true);
    }

    public ElfBuilder entry(long address) {
        entry = address;
        return this;
    }

    public ElfBuilder load(long physical, long virtual, long memorySize, int... data) {
        return segment(PT_LOAD, physical, virtual, memorySize, data);
    }

    ElfBuilder segment(int type, long physical, long virtual, long memorySize, int... data) {
        byte[] bytes = new byte[data.length];
        for (int i = 0; i < data.length; i++) {
            bytes[i] = (byte) data[i];
        }
        segments.add(new Segment(type, physical, virtual, bytes, memorySize, 7));
        return this;
    }

    /** Adds a segment with rights of its own: 1 to execute it, 2 to write it, 4 to read it. */
    public ElfBuilder load(long address, long memorySize, int rights, byte[] data) {
        segments.add(new Segment(PT_LOAD, address, address, data, memorySize, rights));
        return this;
    }

    /** Makes the file position-independent, with this dynamic segment; its bytes are those of another one. */
    public ElfBuilder dynamic(byte[] data) {
        type = 3;
        segments.add(new Segment(2, 0, 0, data, data.length, 4));
        return this;
    }

    /** Makes the file position-independent without a dynamic segment. */
    public ElfBuilder positionIndependent() {
        type = 3;
        return this;
    }

    /** Adds bytes that are in the file only, in a program header of notes. */
    public ElfBuilder notes(byte[] data) {
        segments.add(new Segment(PT_NOTE, 0, 0, data, 0, 4));
        return this;
    }

    public ElfBuilder symbol(String name, long address, long size, int type) {
        symbols.add(new Symbol(name, address, size, type, 1));
        return this;
    }

    ElfBuilder absoluteSymbol(String name, long value) {
        symbols.add(new Symbol(name, value, 0, NOTYPE, 0xfff1));
        return this;
    }

    ElfBuilder undefinedSymbol(String name) {
        symbols.add(new Symbol(name, 0, 0, NOTYPE, 0));
        return this;
    }

    /** Adds a symbol of a section that was added before. */
    ElfBuilder symbolIn(String section, String name, long address, long size) {
        int number = 3;
        while (!sections.get(number - 3).name.equals(section)) {
            number++;
        }
        symbols.add(new Symbol(name, address, size, NOTYPE, number));
        return this;
    }

    /** Adds a section that is in memory at run time; its bytes are those of a segment. */
    public ElfBuilder loadedSection(String name, long address, long size) {
        sections.add(new Section(name, ALLOC, address, size, new byte[0]));
        return this;
    }

    /** Adds a section that is only in the file. */
    public ElfBuilder section(String name, int flags, byte[] data) {
        sections.add(new Section(name, flags, 0, data.length, data));
        return this;
    }

    /** Returns where a program header starts in a file of 32 bits. */
    static int programHeader(int index) {
        return HEADER + index * PROGRAM_HEADER;
    }

    public byte[] build() {
        ByteArrayOutputStream names = new ByteArrayOutputStream();
        names.write(0);
        ByteBuffer table = little(symbols.isEmpty() ? 0 : (symbols.size() + 1) * symbolSize());
        table.position(Math.min(symbolSize(), table.capacity()));
        for (Symbol symbol : symbols) {
            putSymbol(table, symbol, symbol.name.isEmpty() ? 0 : names.size());
            names.writeBytes(symbol.name.getBytes(StandardCharsets.UTF_8));
            names.write(0);
        }
        int dataStart = headerSize() + segments.size() * programHeaderSize();
        int symbolStart =
                dataStart + segments.stream().mapToInt(s -> s.data.length).sum();
        int nameStart = symbolStart + table.capacity();
        int dataSectionStart = nameStart + (symbols.isEmpty() ? 0 : names.size());
        byte[] sectionNames = sectionNames();
        int sectionNameStart = dataSectionStart
                + sections.stream().mapToInt(section -> section.data.length).sum();
        int sectionStart = sectionNameStart + sectionNames.length;
        int count = sections.isEmpty() ? (symbols.isEmpty() ? 0 : 3) : 4 + sections.size();

        ByteBuffer file = little(sectionStart + count * sectionHeaderSize());
        putHeader(file, count, sectionStart);
        int data = dataStart;
        for (Segment segment : segments) {
            putProgramHeader(file, segment, data);
            data += segment.data.length;
        }
        segments.forEach(segment -> file.put(segment.data));
        if (count > 0) {
            file.put(table.array()).put(names.toByteArray(), 0, dataSectionStart - nameStart);
            sections.forEach(section -> file.put(section.data));
            file.put(sectionNames).position(file.position() + sectionHeaderSize());
            putSection(file, 0, 2, 0, 0, symbolStart, table.capacity(), 2);
            putSection(file, 0, 3, 0, 0, nameStart, dataSectionStart - nameStart, 0);
        }
        if (!sections.isEmpty()) {
            putSections(file, dataSectionStart);
            putSection(file, 0, 3, 0, 0, sectionNameStart, sectionNames.length, 0);
        }
        return file.array();
    }

    private byte[] sectionNames() {
        return sections.isEmpty()
                ? new byte[0]
                : ("\0"
                                + String.join(
                                        "",
                                        sections.stream()
                                                .map(section -> section.name + "\0")
                                                .toList()))
                        .getBytes(StandardCharsets.US_ASCII);
    }

    private void putSections(ByteBuffer file, int start) {
        int name = 1;
        int offset = start;
        for (Section section : sections) {
            putSection(file, name, 1, section.flags, section.address, offset, section.size, 0);
            name += section.name.length() + 1;
            offset += section.data.length;
        }
    }

    private void putHeader(ByteBuffer file, int count, int sectionStart) {
        file.put(new byte[] {0x7f, 'E', 'L', 'F', (byte) (is64 ? 2 : 1), 1, 1})
                .position(16)
                .putShort((short) type)
                .putShort((short) (is64 ? 62 : 3))
                .putInt(1);
        putWord(file, entry);
        putWord(file, headerSize());
        putWord(file, count == 0 ? 0 : sectionStart);
        file.putInt(0)
                .putShort((short) headerSize())
                .putShort((short) programHeaderSize())
                .putShort((short) segments.size())
                .putShort((short) sectionHeaderSize())
                .putShort((short) count)
                .putShort((short) (sections.isEmpty() ? 0 : count - 1));
    }

    /** The flags come early in a file of 64 bits, where the words after them are aligned then. */
    private void putProgramHeader(ByteBuffer file, Segment segment, int offset) {
        file.putInt(segment.type);
        if (is64) {
            file.putInt(segment.rights);
        }
        putWord(file, offset);
        putWord(file, segment.virtual);
        putWord(file, segment.physical);
        putWord(file, segment.data.length);
        putWord(file, segment.memorySize);
        if (!is64) {
            file.putInt(segment.rights);
        }
        putWord(file, 4);
    }

    private void putSymbol(ByteBuffer table, Symbol symbol, int name) {
        table.putInt(name);
        if (!is64) {
            putWord(table, symbol.address);
            putWord(table, symbol.size);
        }
        table.put((byte) (1 << 4 | symbol.type)).put((byte) 0).putShort((short) symbol.section);
        if (is64) {
            putWord(table, symbol.address);
            putWord(table, symbol.size);
        }
    }

    private void putSection(
            ByteBuffer file, int name, int type, int flags, long address, int offset, long size, int link) {
        file.putInt(name).putInt(type);
        putWord(file, flags);
        putWord(file, address);
        putWord(file, offset);
        putWord(file, size);
        file.putInt(link).putInt(1);
        putWord(file, 4);
        putWord(file, type == 2 ? symbolSize() : 0);
    }

    private void putWord(ByteBuffer file, long value) {
        if (is64) {
            file.putLong(value);
        } else {
            file.putInt((int) value);
        }
    }

    private int headerSize() {
        return is64 ? 64 : HEADER;
    }

    private int programHeaderSize() {
        return is64 ? 56 : PROGRAM_HEADER;
    }

    private int sectionHeaderSize() {
        return is64 ? 64 : SECTION_HEADER;
    }

    private int symbolSize() {
        return is64 ? 24 : SYMBOL;
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
