package dev.kvmguest.vmm.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The sections of an ELF32 file, as far as debug information needs them.
 *
 * <p>Debug information is an extra: damaged information counts as absent, while {@link Elf32Reader} refuses a damaged
 * file.
 *
 * <p>Source: TIS Executable and Linking Format Specification, version 1.2, "Sections"; System V gABI, chapter 4,
 * "Section Compression".
 */
final class DebugSections {

    private static final int HEADER_SIZE = 52;
    private static final int SECTION_HEADER_SIZE = 40;
    private static final int COMPRESSION_HEADER_SIZE = 12;
    private static final int SHT_NOBITS = 8;
    private static final int SHF_ALLOC = 1 << 1;
    private static final int SHF_COMPRESSED = 1 << 11;
    private static final int ELFCOMPRESS_ZLIB = 1;

    /** The limit for a decompressed section: far more than the lines of any guest, far less than a heap. */
    private static final int LARGEST_INFLATED = 32 << 20;

    private static final ByteBuffer NOTHING = little(ByteBuffer.allocate(0));

    private final ByteBuffer file;
    private final int table;
    private final int entrySize;
    private final int count;
    private final TreeMap<Long, Long> loadedEnds = new TreeMap<>();

    /** Finds the sections of a file. A file that isn't ELF32 has no sections. */
    DebugSections(byte[] bytes) {
        file = little(ByteBuffer.wrap(bytes));
        boolean isElf = Elf32Reader.isElf(bytes) && bytes.length >= HEADER_SIZE;
        entrySize = isElf ? u16(46) : 0;
        long start = isElf ? u32(32) : 0;
        boolean isWhole = entrySize >= SECTION_HEADER_SIZE && fits(start, (long) entrySize * u16(48));
        table = isWhole ? (int) start : 0;
        count = isWhole ? u16(48) : 0;
        for (int i = 0; i < count; i++) {
            if ((flags(i) & SHF_ALLOC) != 0) {
                loadedEnds.merge(u32(header(i) + 12), u32(header(i) + 12) + u32(header(i) + 20), Math::max);
            }
        }
    }

    /** Returns whether an address lies in a section that is in memory when the guest runs. */
    boolean isLoaded(long address) {
        Map.Entry<Long, Long> section = loadedEnds.floorEntry(address);
        return section != null && address < section.getValue();
    }

    /** Returns the bytes of the section of this name, from 0 to the limit; none if there is no such section. */
    ByteBuffer named(String name) {
        ByteBuffer names = count == 0 || u16(50) >= count ? NOTHING : data(u16(50));
        for (int i = 0; i < count; i++) {
            if (new DwarfText(names, u32(header(i)))
                    .decode()
                    .filter(name::equals)
                    .isPresent()) {
                return (flags(i) & SHF_COMPRESSED) == 0 ? data(i) : inflated(data(i));
            }
        }
        return NOTHING;
    }

    private ByteBuffer data(int section) {
        long offset = u32(header(section) + 16);
        long size = u32(header(section) + 20);
        boolean hasBytes = u32(header(section) + 4) != SHT_NOBITS && fits(offset, size);
        return hasBytes ? little(file.slice((int) offset, (int) size)) : NOTHING;
    }

    private static ByteBuffer inflated(ByteBuffer compressed) {
        if (compressed.limit() < COMPRESSION_HEADER_SIZE || compressed.getInt(0) != ELFCOMPRESS_ZLIB) {
            return NOTHING;
        }
        long size = Integer.toUnsignedLong(compressed.getInt(4));
        if (size > LARGEST_INFLATED) {
            return NOTHING;
        }
        Inflater inflater = new Inflater();
        try {
            byte[] bytes = new byte[(int) size];
            inflater.setInput(compressed.slice(COMPRESSION_HEADER_SIZE, compressed.limit() - COMPRESSION_HEADER_SIZE));
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

    private boolean fits(long offset, long size) {
        return offset + size <= file.limit();
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
