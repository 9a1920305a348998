package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.image.GuestImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * The ELF section headers that a Multiboot kernel is given, with the symbol and string tables that aren't part of the
 * image loaded after them and their addresses entered. Other sections that no segment has, such as debug information,
 * stay out of memory with the address 0.
 *
 * <p>Source: Multiboot Specification version 0.6.96, 3.3, "syms"; TIS ELF Specification 1.2, "Section Header".
 */
final class MultibootSymbols {

    private static final int SHT_SYMTAB = 2;
    private static final int SHT_STRTAB = 3;
    private static final int ADDRESS = 12;
    private static final int OFFSET = 16;
    private static final int SIZE = 20;

    private final ByteBuffer file;
    private final int table;
    private final int entrySize;
    private final int count;

    private MultibootSymbols(ByteBuffer file) {
        this.file = file;
        this.table = file.getInt(32);
        this.entrySize = Short.toUnsignedInt(file.getShort(46));
        this.count = Short.toUnsignedInt(file.getShort(48));
    }

    /** Returns the headers of an ELF image, which its reader has found to lie within the file; empty if it has none. */
    static Optional<MultibootSymbols> of(GuestImage image) {
        ByteBuffer file = ByteBuffer.wrap(image.file()).order(ByteOrder.LITTLE_ENDIAN);
        MultibootSymbols symbols = new MultibootSymbols(file);
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
        return Short.toUnsignedInt(file.getShort(50));
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
                block.putInt(i * entrySize + ADDRESS, (int) address + block.position());
                int end = block.position() + loadedSize(i);
                block.put(file.array(), field(i, OFFSET), field(i, SIZE)).position(end);
            }
        }
        return block.array();
    }

    private boolean isToBeLoaded(int section) {
        int type = field(section, 4);
        long end = Integer.toUnsignedLong(field(section, OFFSET)) + Integer.toUnsignedLong(field(section, SIZE));
        return (type == SHT_SYMTAB || type == SHT_STRTAB) && field(section, ADDRESS) == 0 && end <= file.capacity();
    }

    /** Returns a section's size, rounded up so that the next one is aligned for its doublewords. */
    private int loadedSize(int section) {
        return field(section, SIZE) + 3 & ~3;
    }

    private int field(int section, int offset) {
        return file.getInt(table + section * entrySize + offset);
    }
}
