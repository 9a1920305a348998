package dev.kvmguest.vmm.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The sections of an ELF file, as far as debug information needs them.
 *
 * <p>Debug information is an extra: damaged information counts as absent, while {@link ElfReader} refuses a damaged
 * file.
 *
 * <p>Source: System V gABI, chapter 4, "Sections" and "Section Compression".
 */
final class DebugSections {

    private static final int SHT_NOBITS = 8;
    private static final int SHF_ALLOC = 1 << 1;
    private static final int SHF_COMPRESSED = 1 << 11;
    private static final int ELFCOMPRESS_ZLIB = 1;

    /** The limit for a decompressed section: far more than the lines of any guest, far less than a heap. */
    private static final int LARGEST_INFLATED = 32 << 20;

    private static final ByteBuffer NOTHING = little(ByteBuffer.allocate(0));

    private final ByteBuffer file;
    /** Without sections it is of no use, and has the fields of either class. */
    private final ElfLayout layout;

    private final int table;
    private final int entrySize;
    private final int count;
    private final int names;
    private final TreeMap<Long, Long> loadedEnds = new TreeMap<>(Long::compareUnsigned);

    /** Finds the sections of a file. A file that isn't ELF has no sections. */
    DebugSections(byte[] bytes) {
        file = ElfLayout.buffer(bytes);
        Optional<ElfLayout> found = ElfReader.isElf(bytes) ? ElfLayout.of(bytes) : Optional.empty();
        layout = found.orElseGet(ElfLayout::of32);
        boolean isElf = found.isPresent() && bytes.length >= layout.header().size();
        entrySize = isElf ? u16(layout.header().sectionHeaderSize()) : 0;
        long start = isElf ? word(layout.header().sectionHeaders()) : 0;
        int stated = isElf ? u16(layout.header().sectionHeaderCount()) : 0;
        boolean isWhole = entrySize >= layout.sectionHeader().size() && fits(start, (long) entrySize * stated);
        table = isWhole ? (int) start : 0;
        count = isWhole ? stated : 0;
        names = isWhole ? u16(layout.header().sectionNames()) : 0;
        for (int i = 0; i < count; i++) {
            if ((flags(i) & SHF_ALLOC) != 0) {
                long address = word(header(i) + layout.sectionHeader().address());
                long end = address + word(header(i) + layout.sectionHeader().length());
                loadedEnds.merge(address, end, (a, b) -> Long.compareUnsigned(a, b) > 0 ? a : b);
            }
        }
    }

    /** Returns whether addresses of the file have 64 bits. */
    boolean is64() {
        return layout.is64();
    }

    /** Returns whether an address lies in a section that is in memory when the guest runs. */
    boolean isLoaded(long address) {
        Map.Entry<Long, Long> section = loadedEnds.floorEntry(address);
        return section != null && Long.compareUnsigned(address, section.getValue()) < 0;
    }

    /** Returns the bytes of the section of this name, from 0 to the limit; none if there is no such section. */
    ByteBuffer named(String name) {
        ByteBuffer texts = names >= count ? NOTHING : data(names);
        for (int i = 0; i < count; i++) {
            if (new DwarfText(texts, u32(header(i)))
                    .decode()
                    .filter(name::equals)
                    .isPresent()) {
                return (flags(i) & SHF_COMPRESSED) == 0 ? data(i) : inflated(data(i));
            }
        }
        return NOTHING;
    }

    private ByteBuffer data(int section) {
        long offset = word(header(section) + layout.sectionHeader().offset());
        long size = word(header(section) + layout.sectionHeader().length());
        boolean hasBytes = u32(header(section) + 4) != SHT_NOBITS && fits(offset, size);
        return hasBytes ? little(file.slice((int) offset, (int) size)) : NOTHING;
    }

    private ByteBuffer inflated(ByteBuffer compressed) {
        int headerSize = layout.compressionHeaderSize();
        if (compressed.limit() < headerSize || compressed.getInt(0) != ELFCOMPRESS_ZLIB) {
            return NOTHING;
        }
        long size = layout.word(compressed, layout.compressedSize());
        if (size < 0 || size > LARGEST_INFLATED) {
            return NOTHING;
        }
        Inflater inflater = new Inflater();
        try {
            byte[] bytes = new byte[(int) size];
            inflater.setInput(compressed.slice(headerSize, compressed.limit() - headerSize));
            int length = 0;
            while (length < bytes.length) {
                int more = inflater.inflate(bytes, length, bytes.length - length);
                if (more == 0) {
                    return NOTHING;
                }
                length += more;
            }
            return little(ByteBuffer.wrap(bytes));
        } catch (DataFormatException e) {
            return NOTHING;
        } finally {
            inflater.end();
        }
    }

    private int header(int section) {
        return table + section * entrySize;
    }

    private long flags(int section) {
        return u32(header(section) + 8);
    }

    private long word(int offset) {
        return layout.word(file, offset);
    }

    private boolean fits(long offset, long size) {
        return offset >= 0 && size >= 0 && size <= file.limit() && offset <= file.limit() - size;
    }

    private int u16(int offset) {
        return Short.toUnsignedInt(file.getShort(offset));
    }

    private long u32(int offset) {
        return Integer.toUnsignedLong(file.getInt(offset));
    }

    private static ByteBuffer little(ByteBuffer buffer) {
        return buffer.order(ByteOrder.LITTLE_ENDIAN);
    }
}
