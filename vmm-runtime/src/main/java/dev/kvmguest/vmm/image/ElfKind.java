package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Segment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tells ELF files that can be booted from others: by class, byte order, machine and type, and by whether the linker has
 * given them addresses. A refusal says how to link the file instead.
 */
final class ElfKind {

    private static final int EI_DATA = 5;
    private static final int ELFDATA2LSB = 1;
    private static final int E_TYPE = 16;
    private static final int E_MACHINE = 18;
    private static final int ET_REL = 1;
    private static final int ET_EXEC = 2;
    private static final int ET_DYN = 3;
    private static final int EM_386 = 3;
    private static final int EM_X86_64 = 62;
    private static final int SHT_RELA = 4;
    private static final int SHF_ALLOC = 1 << 1;

    private static final Map<Integer, String> OTHER_MACHINES = Map.of(
            8,
            "MIPS",
            20,
            "PowerPC",
            21,
            "64-bit PowerPC",
            22,
            "s390",
            40,
            "ARM",
            183,
            "AArch64",
            243,
            "RISC-V",
            258,
            "LoongArch");

    private static final String LINK_STATICALLY = "; link it for fixed addresses: -no-pie with ld or lld, -Wl,-no-pie"
            + " with gcc or clang, -C relocation-model=static with Rust";

    private ElfKind() {}

    /**
     * Returns the layout of a file that starts with the ELF magic.
     *
     * @param name the image's name, for errors
     * @throws IllegalArgumentException if it is truncated, not for an x86 processor, or no executable
     */
    static ElfLayout require(String name, byte[] bytes) {
        ByteBuffer file = ElfLayout.buffer(bytes);
        Optional<ElfLayout> found = ElfLayout.of(bytes);
        int headerSize = found.map(layout -> layout.header().size()).orElse(ElfLayout.SMALLEST_HEADER);
        if (bytes.length < headerSize) {
            throw truncated(name, "the ELF header", 0, headerSize, bytes.length);
        }
        if (found.isEmpty() || bytes[EI_DATA] != ELFDATA2LSB) {
            throw error(
                    name,
                    "is not a little-endian ELF file of 32 or 64 bits (EI_CLASS " + bytes[ElfLayout.CLASS]
                            + ", EI_DATA " + bytes[EI_DATA] + ")");
        }
        ElfLayout layout = found.get();
        requireMachine(name, layout, Short.toUnsignedInt(file.getShort(E_MACHINE)));
        int type = Short.toUnsignedInt(file.getShort(E_TYPE));
        if (type == ET_REL) {
            throw error(
                    name,
                    "is a relocatable object file, which has no addresses yet; link it first, with ld -m "
                            + (layout.is64() ? "elf_x86_64" : "elf_i386"));
        }
        if (type != ET_EXEC && type != ET_DYN) {
            throw error(name, "is an ELF file of type " + type + ", not an executable (" + ET_EXEC + ")");
        }
        return layout;
    }

    private static void requireMachine(String name, ElfLayout layout, int machine) {
        if (machine == EM_X86_64 && !layout.is64()) {
            throw error(
                    name,
                    "is an x32 ELF file: 64-bit code with 32-bit pointers; compile and link it for x86-64 (gcc -m64,"
                            + " ld -m elf_x86_64) or for i386 (gcc -m32, ld -m elf_i386)");
        }
        if (machine != (layout.is64() ? EM_X86_64 : EM_386)) {
            throw error(
                    name,
                    "is an ELF file of " + 8 * layout.wordSize() + " bits for "
                            + OTHER_MACHINES.getOrDefault(machine, "machine " + machine)
                            + "; this machine runs 32-bit files for i386 (" + EM_386 + ") and 64-bit files for x86-64 ("
                            + EM_X86_64 + ")");
        }
    }

    /** Returns whether a file is position-independent: a loader may put it at other addresses than it is linked for. */
    static boolean isPositionIndependent(ByteBuffer file) {
        return file.getShort(E_TYPE) == ET_DYN;
    }

    /**
     * Refuses a position-independent executable that a dynamic loader would have to move or relocate. One of 32 bits
     * that was linked for an address has its pointers in place there, and one that tells a Multiboot 2 loader that it
     * can be moved needs no one who does it.
     *
     * @throws IllegalArgumentException if it is one
     */
    static void requireFixedAddresses(String name, ByteBuffer file, ElfLayout layout, List<Segment> segments) {
        if (!isPositionIndependent(file) || Multiboot2Header.isRelocatable(file.array())) {
            return;
        }
        if (segments.stream().anyMatch(segment -> segment.virtualAddress() == 0)) {
            throw error(
                    name,
                    "is a position-independent executable linked at address 0, which no loader moves here"
                            + LINK_STATICALLY);
        }
        long relocations = layout.is64() ? relocationBytes(file, layout) : 0;
        if (relocations != 0) {
            throw error(
                    name,
                    "is a position-independent executable with " + relocations
                            + " bytes of relocations, which no loader applies here, so that its pointers would be 0"
                            + LINK_STATICALLY);
        }
    }

    /**
     * Returns the bytes of the sections that a dynamic loader reads. The program headers need not have those: a linker
     * script may leave PT_DYNAMIC out.
     */
    private static long relocationBytes(ByteBuffer file, ElfLayout layout) {
        ElfLayout.SectionHeader header = layout.sectionHeader();
        int table = (int) layout.word(file, layout.header().sectionHeaders());
        int entrySize = Short.toUnsignedInt(file.getShort(layout.header().sectionHeaderSize()));
        int count = Short.toUnsignedInt(file.getShort(layout.header().sectionHeaderCount()));
        long bytes = 0;
        for (int at = table; at < table + count * entrySize; at += entrySize) {
            boolean isRead = file.getInt(at + 4) == SHT_RELA && (layout.word(file, at + 8) & SHF_ALLOC) != 0;
            bytes += isRead ? layout.word(file, at + header.length()) : 0;
        }
        return bytes;
    }

    static IllegalArgumentException truncated(String name, String what, long offset, long size, int fileSize) {
        return error(
                name,
                "is truncated: " + what + " would take the bytes " + hex(offset) + " to " + hex(offset + size)
                        + ", the file has " + hex(fileSize));
    }

    private static IllegalArgumentException error(String name, String what) {
        return new IllegalArgumentException("image " + name + " " + what);
    }
}
