package dev.kvmguest.vmm.internal.boot.multiboot;

import dev.kvmguest.vmm.image.ElfLayout;
import dev.kvmguest.vmm.image.GuestImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * The ELF section headers that a Multiboot kernel is given, with the symbol and string tables that aren't part of the
 * image loaded after them and their addresses entered. Other sections that no segment has, such as debug information,
 * stay out of memory with the address 0.
 *
 * <p>Source: Multiboot Specification version 0.6.96, 3.3, "syms"; System V gABI, chapter 4,
 * "Sections".
 */
final class MultibootSymbols {

    private static final int SHT_SYMTAB = 2;
    private static final int SHT_STRTAB = 3;

    private final ByteBuffer file;
    private final ElfLayout layout;
    private final int table;
    private final int entrySize;
    private final int count;

    private MultibootSymbols(ByteBuffer file, ElfLayout layout) {
        this.file = file;
        this.layout = layout;
        this.table = (int) layout.word(file, layout.header().sectionHeaders());
        this.entrySize = Short.toUnsignedInt(file.getShort(layout.header().sectionHeaderSize()));
        this.count = Short.toUnsignedInt(file.getShort(layout.header().sectionHeaderCount()));
    }

    /** Returns the headers of an ELF image, which its reader has found to lie within the file; empty if it has none. */
    static Optional<MultibootSymbols> of(GuestImage image) {
        ElfLayout layout = ElfLayout.of(image.file()).orElseThrow();
        MultibootSymbols symbols = new MultibootSymbols(ElfLayout.buffer(image.file()), layout);
        return symbols.count == 0 ? Optional.empty() : Optional.of(symbols);
    }

    /** Returns the number of section headers. */
    int count() {
        return count;
    }

    /** Returns the bytes from one section header to the next. */
    int entrySize() {
        return entrySize;
    }

    /** Returns the index of the section with the sections' names. */
    int stringSection() {
        return Short.toUnsignedInt(file.getShort(layout.header().sectionNames()));
    }

    /** Returns the bytes that all of it takes; far more than the file has if its headers are made for that. */
    long size() {
        long size = (long) count * entrySize;
        for (int i = 0; i < count; i++) {
            size += isToBeLoaded(i) ? loadedSize(i) : 0;
        }
        return size;
    }

    /** Returns the headers and the tables after them, for this address; to be called when there is room for them. */
    byte[] at(long address) {
        ByteBuffer block = ByteBuffer.allocate((int) size()).order(ByteOrder.LITTLE_ENDIAN);
        block.put(file.array(), table, count * entrySize);
        for (int i = 0; i < count; i++) {
            if (isToBeLoaded(i)) {
                layout.putWord(block, i * entrySize + layout.sectionHeader().address(), address + block.position());
                int end = block.position() + (int) loadedSize(i);
                block.put(file.array(), (int) offset(i), (int) length(i)).position(end);
            }
        }
        return block.array();
    }

    private boolean isToBeLoaded(int section) {
        int type = file.getInt(header(section) + 4);
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
