package dev.kvmguest.vmm.internal.boot.limine;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.ElfLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The relocations of a position-independent ELF64 executable: a linker leaves a pointer's value in the relocation and
 * not in the data, and a file that is moved has other addresses.
 *
 * <p>Source: System V gABI, chapter 5, "Dynamic Section" and "Relocation"; System V ABI, AMD64 supplement 1.0, table
 * 4.9. Every offset and size counts as hostile.
 */
final class ElfDynamic {

    private static final int E_TYPE = 16;
    private static final int ET_DYN = 3;
    private static final int PT_LOAD = 1;
    private static final int PT_DYNAMIC = 2;

    private static final long DT_NEEDED = 1;
    private static final long DT_PLTRELSZ = 2;
    private static final long DT_SYMTAB = 6;
    private static final long DT_RELA = 7;
    private static final long DT_RELASZ = 8;
    private static final long DT_JMPREL = 23;
    private static final long DT_RELRSZ = 35;
    private static final long DT_RELR = 36;

    private static final int RELA_SIZE = 24;
    private static final int SYMBOL_SIZE = 24;
    private static final int SYMBOL_VALUE = 8;

    private static final int R_NONE = 0;
    private static final int R_64 = 1;
    private static final int R_GLOB_DAT = 6;
    private static final int R_JUMP_SLOT = 7;
    private static final int R_RELATIVE = 8;

    private final String name;
    private final ByteBuffer file;

    /**
     * Wraps a file of which {@link dev.kvmguest.vmm.image.ElfReader} has read the segments.
     *
     * @param name the image's name, for errors
     */
    ElfDynamic(String name, ByteBuffer file) {
        this.name = name;
        this.file = file;
    }

    /** Returns where in the file the program headers of a type are. */
    List<Integer> programHeaders(int type) {
        ElfLayout layout = ElfLayout.of(file.array()).orElseThrow();
        int table = (int) layout.word(file, layout.header().programHeaders());
        int size = Short.toUnsignedInt(file.getShort(layout.header().programHeaderSize()));
        int count = Short.toUnsignedInt(file.getShort(layout.header().programHeaderCount()));
        List<Integer> headers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            if (file.getInt(table + i * size) == type) {
                headers.add(table + i * size);
            }
        }
        return headers;
    }

    /**
     * Applies the relocations, if the file is position-independent.
     *
     * @param slide how far the file is moved, in bytes
     * @param addresses the linear address of each segment in the file
     * @param data the bytes of each, which are changed
     * @throws IllegalArgumentException if it can't be relocated; the message says why
     */
    void relocate(long slide, List<Long> addresses, List<byte[]> data) {
        if (file.getShort(E_TYPE) != ET_DYN) {
            return;
        }
        Map<Long, Long> dynamic = dynamic();
        Memory memory = new Memory(slide, addresses, data);
        relocate(dynamic, DT_RELA, DT_RELASZ, memory);
        relocate(dynamic, DT_JMPREL, DT_PLTRELSZ, memory);
        relocatePacked(dynamic, memory);
    }

    /** The segments' bytes, by the file's addresses. */
    private record Memory(long slide, List<Long> addresses, List<byte[]> data) {}

    /** What DT_RELR lists has its value in the data. An even entry is an address, an odd one bits for the next 63. */
    private void relocatePacked(Map<Long, Long> dynamic, Memory memory) {
        long size = dynamic.getOrDefault(DT_RELRSZ, 0L);
        if (size == 0) {
            return;
        }
        long table = offset(dynamic.getOrDefault(DT_RELR, 0L), size, "the packed relocations");
        long where = 0;
        for (long at = table; at + Long.BYTES <= table + size; at += Long.BYTES) {
            long entry = file.getLong((int) at);
            if ((entry & 1) == 0) {
                slide(entry, memory);
                where = entry + Long.BYTES;
            } else {
                for (int bit = 1; bit < Long.SIZE; bit++) {
                    if ((entry >>> bit & 1) != 0) {
                        slide(where + (bit - 1L) * Long.BYTES, memory);
                    }
                }
                where += (Long.SIZE - 1L) * Long.BYTES;
            }
        }
    }

    private void slide(long place, Memory memory) {
        ByteBuffer pointer = pointer(place, memory);
        pointer.putLong(0, pointer.getLong(0) + memory.slide);
    }

    private Map<Long, Long> dynamic() {
        List<Integer> headers = programHeaders(PT_DYNAMIC);
        if (headers.isEmpty() || file.getLong(headers.get(0) + 32) == 0) {
            throw refusal(
                    "is position-independent (ET_DYN) without a dynamic segment (PT_DYNAMIC), by which it would be"
                            + " relocated; have \"dynamic PT_DYNAMIC;\" in the linker script's PHDRS and put .dynamic there,"
                            + " or link it with -no-pie");
        }
        long start = file.getLong(headers.get(0) + 8);
        long size = file.getLong(headers.get(0) + 32);
        require(start, size, "the dynamic segment");
        Map<Long, Long> entries = new HashMap<>();
        for (long at = start; at + 16 <= start + size; at += 16) {
            long tag = file.getLong((int) at);
            if (tag == 0) {
                break;
            }
            if (tag == DT_NEEDED) {
                throw refusal("needs a shared library (DT_NEEDED), which no boot loader loads; link it with -static"
                        + " -pie, or with -no-pie");
            }
            entries.put(tag, file.getLong((int) at + 8));
        }
        return entries;
    }

    private void relocate(Map<Long, Long> dynamic, long tableTag, long sizeTag, Memory memory) {
        long size = dynamic.getOrDefault(sizeTag, 0L);
        if (size == 0) {
            return;
        }
        long table = offset(dynamic.getOrDefault(tableTag, 0L), size, "the relocations");
        for (long at = table; at + RELA_SIZE <= table + size; at += RELA_SIZE) {
            long place = file.getLong((int) at);
            long info = file.getLong((int) at + 8);
            long addend = file.getLong((int) at + 16);
            switch ((int) info) {
                case R_NONE -> {}
                case R_RELATIVE -> put(place, addend, memory);
                case R_64 -> put(place, symbol(dynamic, info >>> 32) + addend, memory);
                case R_GLOB_DAT, R_JUMP_SLOT -> put(place, symbol(dynamic, info >>> 32), memory);
                default ->
                    throw refusal("has a relocation of type " + (int) info + " for " + hex(place)
                            + ", which Limine doesn't know; link it with -static -pie, or with -no-pie");
            }
        }
    }

    private long symbol(Map<Long, Long> dynamic, long number) {
        long at = dynamic.getOrDefault(DT_SYMTAB, 0L) + number * SYMBOL_SIZE;
        return file.getLong((int) offset(at, SYMBOL_SIZE, "symbol " + number + " of a relocation") + SYMBOL_VALUE);
    }

    private void put(long place, long value, Memory memory) {
        pointer(place, memory).putLong(0, value + memory.slide);
    }

    private ByteBuffer pointer(long place, Memory memory) {
        for (int i = 0; i < memory.data.size(); i++) {
            long offset = place - memory.addresses.get(i);
            if (offset >= 0 && offset <= memory.data.get(i).length - Long.BYTES) {
                return ElfLayout.buffer(memory.data.get(i))
                        .slice((int) offset, Long.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
            }
        }
        throw refusal("has a relocation for " + hex(place) + ", which is in no segment's bytes");
    }

    /** Returns where in the file a linear range is. */
    private long offset(long address, long size, String what) {
        for (int header : programHeaders(PT_LOAD)) {
            long offset = address - file.getLong(header + 16);
            long length = file.getLong(header + 32);
            if (offset >= 0 && size >= 0 && size <= length && offset <= length - size) {
                return file.getLong(header + 8) + offset;
            }
        }
        throw refusal("says that " + what + " are at " + hex(address) + ", " + size
                + " bytes, where no segment of it has them");
    }

    private void require(long offset, long size, String what) {
        if (offset < 0 || size < 0 || size > file.capacity() || offset > file.capacity() - size) {
            throw refusal("is truncated: " + what + " would take the bytes " + hex(offset) + " to " + hex(offset + size)
                    + ", the file has " + hex(file.capacity()));
        }
    }

    private IllegalArgumentException refusal(String what) {
        return new IllegalArgumentException("image " + name + " " + what);
    }
}
