package dev.kvmguest.vmm.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Where the fields of a little-endian ELF file of one class are, as offsets from the start of the structure that has
 * them, in bytes, and how wide its addresses are. Fields that both classes have at one offset are no components.
 *
 * <p>Source: System V gABI, chapter 4, "Object Files", for both classes; Tool Interface Standard (TIS) Executable and
 * Linking Format Specification, version 1.2, for the 32-bit one.
 *
 * @param wordSize bytes of an address, an offset, a size or a section's flags: 4 or 8
 * @param header the file's header
 * @param programHeader the description of a segment
 * @param sectionHeader the description of a section
 * @param symbol an entry of a symbol table
 * @param compressionHeaderSize bytes before the data of a compressed section
 * @param compressedSize where such a header has the size of the data before compression
 */
public record ElfLayout(
        int wordSize,
        Header header,
        ProgramHeader programHeader,
        SectionHeader sectionHeader,
        SymbolEntry symbol,
        int compressionHeaderSize,
        int compressedSize) {

    /** A file's header: its size, and where its fields are. {@code e_type} is at 16, {@code e_machine} at 18. */
    public record Header(
            int size,
            int entry,
            int programHeaders,
            int sectionHeaders,
            int programHeaderSize,
            int programHeaderCount,
            int sectionHeaderSize,
            int sectionHeaderCount,
            int sectionNames) {}

    /** A segment's description: its size, and where its fields are. {@code p_type} is at 0. */
    public record ProgramHeader(
            int size, int offset, int virtualAddress, int physicalAddress, int fileSize, int memorySize) {}

    /**
     * A section's description: its size, and where its fields are. {@code sh_name} is at 0, {@code sh_type} at 4, and
     * {@code sh_flags} at 8.
     */
    public record SectionHeader(int size, int address, int offset, int length, int link) {}

    /** An entry of a symbol table: its size, and where its fields are. {@code st_name} is at 0. */
    public record SymbolEntry(int size, int value, int length, int info, int section) {}

    /** EI_CLASS, the byte of a file that says its class. */
    public static final int CLASS = 4;

    /** EI_CLASS of a file with 32-bit addresses. */
    public static final int CLASS_32 = 1;

    /** EI_CLASS of a file with 64-bit addresses. */
    public static final int CLASS_64 = 2;

    /** Bytes of the smaller class's header. */
    static final int SMALLEST_HEADER = 52;

    private static final ElfLayout OF_32 = new ElfLayout(
            4,
            new Header(SMALLEST_HEADER, 24, 28, 32, 42, 44, 46, 48, 50),
            new ProgramHeader(32, 4, 8, 12, 16, 20),
            new SectionHeader(40, 12, 16, 20, 24),
            new SymbolEntry(16, 4, 8, 12, 14),
            12,
            4);

    private static final ElfLayout OF_64 = new ElfLayout(
            8,
            new Header(64, 24, 32, 40, 54, 56, 58, 60, 62),
            new ProgramHeader(56, 8, 16, 24, 32, 40),
            new SectionHeader(64, 16, 24, 32, 40),
            new SymbolEntry(24, 8, 16, 4, 6),
            24,
            8);

    /** Returns the layout of a file that starts with the ELF magic; empty if its class is neither of the two. */
    public static Optional<ElfLayout> of(byte[] file) {
        if (file.length <= CLASS) {
            return Optional.empty();
        }
        return switch (file[CLASS]) {
            case CLASS_32 -> Optional.of(OF_32);
            case CLASS_64 -> Optional.of(OF_64);
            default -> Optional.empty();
        };
    }

    /** Returns the layout of files with 32-bit addresses. */
    static ElfLayout of32() {
        return OF_32;
    }

    /** Returns a buffer over a file's bytes, in the byte order that its fields have. */
    public static ByteBuffer buffer(byte[] file) {
        return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns whether addresses have 64 bits. */
    public boolean is64() {
        return wordSize == Long.BYTES;
    }

    /** Reads an address, an offset, a size or flags: unsigned, so that one of 64 bits may be negative. */
    public long word(ByteBuffer file, int offset) {
        return is64() ? file.getLong(offset) : Integer.toUnsignedLong(file.getInt(offset));
    }

    /** Writes what {@link #word} reads. */
    public void putWord(ByteBuffer file, int offset, long value) {
        if (is64()) {
            file.putLong(offset, value);
        } else {
            file.putInt(offset, (int) value);
        }
    }
}
