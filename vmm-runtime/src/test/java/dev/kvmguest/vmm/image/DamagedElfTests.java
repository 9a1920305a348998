package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the reader says of files that are damaged, hostile or for something else. */
class DamagedElfTests {

    private static final int E_TYPE = 16;
    private static final int E_MACHINE = 18;
    private static final int E_PHOFF = 28;
    private static final int E_SHOFF = 32;
    private static final int E_PHENTSIZE = 42;
    private static final int E_PHNUM = 44;
    private static final int E_SHENTSIZE = 46;
    private static final int E_SHNUM = 48;
    private static final int P_OFFSET = ElfBuilder.programHeader(0) + 4;
    private static final int P_FILESZ = ElfBuilder.programHeader(0) + 16;
    private static final int P_MEMSZ = ElfBuilder.programHeader(0) + 20;

    private static final byte[] GOOD = new ElfBuilder()
            .entry(0x8000_1000L)
            .load(0x1000, 0x8000_1000L, 0x20, 0xfa, 0xf4)
            .load(0x2000, 0x8000_2000L, 0x1000, 1, 2, 3, 4)
            .symbol("start", 0x8000_1000L, 2, ElfBuilder.FUNC)
            .symbol("data", 0x8000_2000L, 4, ElfBuilder.OBJECT)
            .build();

    private static final int SECTIONS = GOOD.length - 3 * ElfBuilder.SECTION_HEADER;
    private static final int SYMTAB = SECTIONS + ElfBuilder.SECTION_HEADER;
    private static final int STRTAB = SYMTAB + ElfBuilder.SECTION_HEADER;
    private static final int SH_OFFSET = 16;
    private static final int SH_SIZE = 20;
    private static final int SH_LINK = 24;

    static IntStream everyShorterLength() {
        return IntStream.range(0, GOOD.length);
    }

    @ParameterizedTest
    @MethodSource("everyShorterLength")
    void fileCutAnywhereIsTruncated(int length) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ElfReader.read("kernel", Arrays.copyOf(GOOD, length)))
                .withMessageStartingWith("image kernel is truncated: ");
    }

    @Test
    void anyByteChangedGivesAnImageOrAnErrorThatNamesIt() {
        Random random = new Random(2026);
        for (int i = 0; i < 10_000; i++) {
            byte[] file = GOOD.clone();
            int at = random.nextInt(file.length);
            byte value = (byte) random.nextInt(256);
            file[at] = value;
            readOrRefuse(file, "byte " + at + " = " + value);
        }
    }

    @Test
    void anyFourBytesChangedToTheEdgesOfTheirRangeGiveAnImageOrAnError() {
        int[] edges = {0, 1, -1, -2, -16, 0x7fff_ffff, 0x8000_0000, 0x7fff_fff0, GOOD.length, GOOD.length - 1};
        for (int at = 4; at + 4 <= GOOD.length; at++) {
            for (int edge : edges) {
                readOrRefuse(patched(at, edge), "bytes " + at + " = " + edge);
            }
        }
    }

    private static void readOrRefuse(byte[] file, String what) {
        try {
            assertThat(ElfReader.read("kernel", file).segments()).as(what).isNotEmpty();
        } catch (IllegalArgumentException e) {
            assertThat(e).as(what).hasMessageStartingWith("image kernel ");
        }
    }

    @Test
    void truncationSaysWhatIsMissing() {
        assertRefused(
                Arrays.copyOf(GOOD, 51),
                "is truncated: the ELF header would take the bytes 0x0 to 0x34, the file has 0x33");
        assertRefused(
                Arrays.copyOf(GOOD, 100),
                "is truncated: the program headers would take the bytes 0x34 to 0x74, the file has 0x64");
        assertRefused(
                Arrays.copyOf(GOOD, 117),
                "is truncated: program header 0 would take the bytes 0x74 to 0x76, the file has 0x75");
    }

    @Test
    void bigEndianFileIsRefused() {
        byte[] file = GOOD.clone();
        file[5] = 2;

        assertRefused(file, "is not a little-endian ELF file of 32 or 64 bits (EI_CLASS 1, EI_DATA 2)");
    }

    @Test
    void unknownClassIsRefused() {
        byte[] file = GOOD.clone();
        file[4] = 7;

        assertRefused(file, "is not a little-endian ELF file of 32 or 64 bits (EI_CLASS 7, EI_DATA 1)");
    }

    @ParameterizedTest
    @CsvSource({"0, machine 0", "8, MIPS", "40, ARM", "183, AArch64", "243, RISC-V", "0xffff, machine 65535"})
    void fileForAnotherMachineIsRefused(String machine, String name) {
        assertRefused(
                patched16(E_MACHINE, Integer.decode(machine)),
                "is an ELF file of 32 bits for " + name
                        + "; this machine runs 32-bit files for i386 (3) and 64-bit files for x86-64 (62)");
    }

    @Test
    void x32FileSaysWhatToLinkItFor() {
        assertRefused(
                patched16(E_MACHINE, 62),
                "is an x32 ELF file: 64-bit code with 32-bit pointers; compile and link it for x86-64 (gcc -m64, ld -m"
                        + " elf_x86_64) or for i386 (gcc -m32, ld -m elf_i386)");
    }

    @Test
    void objectFileMustBeLinkedFirst() {
        assertRefused(
                patched16(E_TYPE, 1),
                "is a relocatable object file, which has no addresses yet; link it first, with ld -m elf_i386");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void fileOfAnotherTypeIsRefused(int type) {
        assertRefused(patched16(E_TYPE, type), "is an ELF file of type " + type + ", not an executable (2)");
    }

    @Test
    void fileWithoutProgramHeadersHasNothingToLoad() {
        assertRefused(patched16(E_PHNUM, 0), "has no program headers, so nothing to load");
        assertRefused(
                new ElfBuilder().segment(ElfBuilder.PT_NOTE, 0, 0, 1, 1).build(),
                "has no PT_LOAD program header, so nothing to load");
    }

    @Test
    void headersMustBeAsLongAsTheyAre() {
        assertRefused(patched16(E_PHENTSIZE, 31), "has program headers of 31 bytes; 32 are needed");
        assertRefused(patched16(E_SHENTSIZE, 39), "has section headers of 39 bytes; 40 are needed");
    }

    @Test
    void overlappingSegmentsAreBothNamed() {
        byte[] file = new ElfBuilder()
                .load(0x1000, 0, 0x1001, 1)
                .load(0x2000, 0, 0x10, 2)
                .build();

        assertRefused(file, "has two segments at the same physical addresses: 0x1000-0x2000 and 0x2000-0x200f");
    }

    @Test
    void segmentsAtOneAddressOverlap() {
        byte[] file =
                new ElfBuilder().load(0x1000, 0, 2, 1).load(0x1000, 0, 1, 2).build();

        assertRefused(file, "has two segments at the same physical addresses: 0x1000-0x1001 and 0x1000-0x1000");
    }

    @Test
    void segmentMayNotBeLongerInTheFileThanInMemory() {
        assertRefused(
                patched(P_MEMSZ, 1), "has a program header 0 with more bytes in the file (0x2) than in memory (0x1)");
        assertRefused(
                patched(P_MEMSZ, 0), "has a program header 0 with more bytes in the file (0x2) than in memory (0x0)");
    }

    @ParameterizedTest
    @CsvSource({"0xfffffff0, 0xfffffff2", "0xffffffff, 0x100000001", "0x7fffffff, 0x80000001", "0x80000000, 0x80000002"
    })
    void hugeOffsetDoesNotOverflow(String offset, String end) {
        assertRefused(
                patched(P_OFFSET, Long.decode(offset).intValue()),
                "is truncated: program header 0 would take the bytes " + offset + " to " + end + ", the file has "
                        + hex(GOOD.length));
    }

    @Test
    void hugeSizesDoNotOverflow() {
        assertRefused(
                patched(P_FILESZ, 0xffff_fff0),
                "is truncated: program header 0 would take the bytes 0x74 to 0x100000064, the file has "
                        + hex(GOOD.length));
        assertRefused(
                patched(E_PHOFF, 0xffff_fff0),
                "is truncated: the program headers would take the bytes 0xfffffff0 to 0x100000030, the file has "
                        + hex(GOOD.length));
        assertRefused(
                patched(E_SHOFF, 0xffff_fff0),
                "is truncated: the section headers would take the bytes 0xfffffff0 to 0x100000068, the file has "
                        + hex(GOOD.length));
        assertRefused(
                patched16(E_SHNUM, 0xffff),
                "is truncated: the section headers would take the bytes " + hex(SECTIONS) + " to "
                        + hex(SECTIONS + 0xffff * ElfBuilder.SECTION_HEADER) + ", the file has " + hex(GOOD.length));
    }

    @Test
    void symbolTableMustLieInTheFile() {
        assertRefused(
                patched(SYMTAB + SH_OFFSET, 0xffff_fff0),
                "is truncated: the symbol table would take the bytes 0xfffffff0 to 0x100000020, the file has "
                        + hex(GOOD.length));
        assertRefused(
                patched(STRTAB + SH_SIZE, 0xffff_fff0),
                "is truncated: the symbol names would take the bytes 0xaa to 0x10000009a, the file has "
                        + hex(GOOD.length));
    }

    @Test
    void symbolTableMustHaveItsNames() {
        assertRefused(patched(SYMTAB + SH_LINK, 3), "has a symbol table whose string table 3 does not exist");
        assertRefused(patched(SYMTAB + SH_LINK, -1), "has a symbol table whose string table 4294967295 does not exist");
    }

    @Test
    void symbolWhoseNameIsOutsideTheNamesIsLeftOut() {
        assertThat(ElfReader.read("kernel", patched(STRTAB + SH_SIZE, 1 + "start".length()))
                        .symbols())
                .extracting(GuestImage.Symbol::name)
                .containsExactly("start");
    }

    @Test
    void symbolWhoseNameIsNoTextIsLeftOutAndTheOthersStay() {
        byte[] file = GOOD.clone();
        file[SECTIONS - "start\0data\0".length()] = (byte) 0xff;

        assertThat(ElfReader.read("kernel", file).symbols())
                .extracting(GuestImage.Symbol::name)
                .containsExactly("data");
    }

    @Test
    void symbolNameWithoutAnEndEndsWithTheNames() {
        byte[] file = patched(STRTAB + SH_SIZE, 1 + "star".length());

        assertThat(ElfReader.read("kernel", file).symbols())
                .extracting(GuestImage.Symbol::name)
                .containsExactly("star");
    }

    private static void assertRefused(byte[] file, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ElfReader.read("kernel", file))
                .withMessage("image kernel " + message);
    }

    private static byte[] patched(int at, int value) {
        byte[] file = GOOD.clone();
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
        return file;
    }

    private static byte[] patched16(int at, int value) {
        byte[] file = GOOD.clone();
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putShort(at, (short) value);
        return file;
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }
}
