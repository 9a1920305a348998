package dev.kvmguest.vmm.internal.boot.layout;

import dev.kvmguest.vmm.image.ElfLayout;
import dev.kvmguest.vmm.image.GuestImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The ELF section headers that a loader gives a kernel. The symbol and string tables that aren't part of the image are
 * loaded beside it, and their addresses entered. Other sections that no segment has, such as debug information, stay
 * out of memory with the address 0.
 *
 * <p>Source: Multiboot Specification version 0.6.96, 3.3, "syms"; Multiboot2 Specification version 2.0, 3.6.7,
 * "ELF-Symbols"; System V gABI, chapter 4, "Sections".
 */
public final class ElfSectionHeaders {

    private static final int SHT_SYMTAB = 2;
    private static final int SHT_STRTAB = 3;
    private static final int SHT_RELA = 4;
    private static final int SHT_REL = 9;

    private final ByteBuffer file;
    private final ElfLayout layout;
    private final int table;
    private final int entrySize;
    private final int count;

    private ElfSectionHeaders(ByteBuffer file, ElfLayout layout) {
        this.file = file;
        this.layout = layout;
        this.table = (int) layout.word(file, layout.header().sectionHeaders());
        this.entrySize = Short.toUnsignedInt(file.getShort(layout.header().sectionHeaderSize()));
        this.count = Short.toUnsignedInt(file.getShort(layout.header().sectionHeaderCount()));
    }

    /** Returns the headers of an ELF image, which its reader has found to lie within the file; empty if it has none. */
    public static Optional<ElfSectionHeaders> of(GuestImage image) {
        ElfLayout layout = ElfLayout.of(image.file()).orElseThrow();
        ElfSectionHeaders headers = new ElfSectionHeaders(ElfLayout.buffer(image.file()), layout);
        return headers.count == 0 ? Optional.empty() : Optional.of(headers);
    }

    /** Returns the number of section headers. */
    public int count() {
        return count;
    }

    /** Returns the bytes from one section header to the next. */
    public int entrySize() {
        return entrySize;
    }

    /** Returns the index of the section with the sections' names. */
    public int stringSection() {
        return Short.toUnsignedInt(file.getShort(layout.header().sectionNames()));
    }

    /** Returns whether a section has relocations, of whatever. */
    public boolean hasRelocations() {
        return IntStream.range(0, count).map(this::type).anyMatch(type -> type == SHT_REL || type == SHT_RELA);
    }

    /** Returns the bytes of the headers. */
    public int size() {
        return count * entrySize;
    }

    /** Returns the bytes of the tables that are loaded; far more than the file has if its headers are made for that. */
    public long tablesSize() {
        long size = 0;
        for (int i = 0; i < count; i++) {
            size += isToBeLoaded(i) ? loadedSize(i) : 0;
        }
        return size;
    }

    /** Returns the headers for tables that are at this address. */
    public byte[] headers(long tables) {
        ByteBuffer headers = ByteBuffer.allocate(size()).order(ByteOrder.LITTLE_ENDIAN);
        headers.put(file.array(), table, size());
        long address = tables;
        for (int i = 0; i < count; i++) {
            if (isToBeLoaded(i)) {
                layout.putWord(headers, i * entrySize + layout.sectionHeader().address(), address);
                address += loadedSize(i);
            }
        }
        return headers.array();
    }

    /** Returns the tables one after the other; to be called when there is room for them. */
    public byte[] tables() {
        ByteBuffer tables = ByteBuffer.allocate((int) tablesSize());
        for (int i = 0; i < count; i++) {
            if (isToBeLoaded(i)) {
                int end = tables.position() + (int) loadedSize(i);
                tables.put(file.array(), (int) offset(i), (int) length(i)).position(end);
            }
        }
        return tables.array();
    }

    private boolean isToBeLoaded(int section) {
        int type = type(section);
        long address =
                layout.word(file, header(section) + layout.sectionHeader().address());
        boolean isInFile = offset(section) >= 0
                && length(section) >= 0
                && offset(section) <= file.capacity()
                && length(section) <= file.capacity() - offset(section);
        return (type == SHT_SYMTAB || type == SHT_STRTAB) && address == 0 && isInFile;
    }

    /** Returns a section's size, rounded up so that the next one is aligned for its fields. */
    private long loadedSize(int section) {
        return length(section) + layout.wordSize() - 1 & -layout.wordSize();
    }

    private int type(int section) {
        return file.getInt(header(section) + 4);
    }

    private long offset(int section) {
        return layout.word(file, header(section) + layout.sectionHeader().offset());
    }

    private long length(int section) {
        return layout.word(file, header(section) + layout.sectionHeader().length());
    }

    private int header(int section) {
        return table + section * entrySize;
    }
}
