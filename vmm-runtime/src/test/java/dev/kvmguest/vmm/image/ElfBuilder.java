package dev.kvmguest.vmm.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Builds ELF32 files byte by byte: the header, program headers, the segments' bytes, symbols and their names, other
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

    private record Segment(int type, long physical, long virtual, byte[] data, long memorySize) {}

    private record Symbol(String name, long address, long size, int type, int section) {}

    private record Section(String name, int flags, long address, long size, byte[] data) {}

    private final List<Segment> segments = new ArrayList<>();
    private final List<Symbol> symbols = new ArrayList<>();
    private final List<Section> sections = new ArrayList<>();
    private long entry;

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
        segments.add(new Segment(type, physical, virtual, bytes, memorySize));
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

    /** Returns where a program header starts in the file. */
    static int programHeader(int index) {
        return HEADER + index * PROGRAM_HEADER;
    }

    public byte[] build() {
        ByteArrayOutputStream names = new ByteArrayOutputStream();
        names.write(0);
        ByteBuffer table = little(symbols.isEmpty() ? 0 : (symbols.size() + 1) * SYMBOL);
        table.position(Math.min(SYMBOL, table.capacity()));
        for (Symbol symbol : symbols) {
            table.putInt(symbol.name.isEmpty() ? 0 : names.size())
                    .putInt((int) symbol.address)
                    .putInt((int) symbol.size)
                    .put((byte) (1 << 4 | symbol.type))
                    .put((byte) 0)
                    .putShort((short) symbol.section);
            names.writeBytes(symbol.name.getBytes(StandardCharsets.UTF_8));
            names.write(0);
        }
        int dataStart = programHeader(segments.size());
        int symbolStart =
                dataStart + segments.stream().mapToInt(s -> s.data.length).sum();
        int nameStart = symbolStart + table.capacity();
        int dataSectionStart = nameStart + (symbols.isEmpty() ? 0 : names.size());
        byte[] sectionNames = sectionNames();
        int sectionNameStart = dataSectionStart
                + sections.stream().mapToInt(section -> section.data.length).sum();
        int sectionStart = sectionNameStart + sectionNames.length;
        int count = sections.isEmpty() ? (symbols.isEmpty() ? 0 : 3) : 4 + sections.size();

        ByteBuffer file = little(sectionStart + count * SECTION_HEADER);
        putHeader(file, count, sectionStart);
        int data = dataStart;
        for (Segment segment : segments) {
            file.putInt(segment.type)
                    .putInt(data)
                    .putInt((int) segment.virtual)
                    .putInt((int) segment.physical)
                    .putInt(segment.data.length)
                    .putInt((int) segment.memorySize)
                    .putInt(7)
                    .putInt(4);
            data += segment.data.length;
        }
        segments.forEach(segment -> file.put(segment.data));
        if (count > 0) {
            file.put(table.array()).put(names.toByteArray(), 0, dataSectionStart - nameStart);
            sections.forEach(section -> file.put(section.data));
            file.put(sectionNames).position(file.position() + SECTION_HEADER);
            putSection(file, 2, symbolStart, table.capacity(), 2);
            putSection(file, 3, nameStart, dataSectionStart - nameStart, 0);
        }
        if (!sections.isEmpty()) {
            putSections(file, dataSectionStart);
            putSection(file, 3, sectionNameStart, sectionNames.length, 0);
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
            file.putInt(name)
                    .putInt(1)
                    .putInt(section.flags)
                    .putInt((int) section.address)
                    .putInt(offset)
                    .putInt((int) section.size)
                    .putInt(0)
                    .putInt(0)
                    .putInt(1)
                    .putInt(0);
            name += section.name.length() + 1;
            offset += section.data.length;
        }
    }

    private void putHeader(ByteBuffer file, int count, int sectionStart) {
        file.put(new byte[] {0x7f, 'E', 'L', 'F', 1, 1, 1})
                .position(16)
                .putShort((short) 2)
                .putShort((short) 3)
                .putInt(1)
                .putInt((int) entry)
                .putInt(HEADER)
                .putInt(count == 0 ? 0 : sectionStart)
                .putInt(0)
                .putShort((short) HEADER)
                .putShort((short) PROGRAM_HEADER)
                .putShort((short) segments.size())
                .putShort((short) SECTION_HEADER)
                .putShort((short) count)
                .putShort((short) (sections.isEmpty() ? 0 : count - 1));
    }

    private static void putSection(ByteBuffer file, int type, int offset, int size, int link) {
        file.putInt(0)
                .putInt(type)
                .putInt(0)
                .putInt(0)
                .putInt(offset)
                .putInt(size)
                .putInt(link)
                .putInt(1)
                .putInt(4)
                .putInt(type == 2 ? SYMBOL : 0);
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
