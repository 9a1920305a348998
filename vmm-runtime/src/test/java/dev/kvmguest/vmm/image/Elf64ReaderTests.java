package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Files of 64 bits, most of them linked for the upper half of linear memory, whose addresses are negative numbers. */
class Elf64ReaderTests {

    private static final long HIGH = 0xffff_ffff_8010_0000L;

    private static final int E_TYPE = 16;
    private static final int E_MACHINE = 18;
    private static final int HEADER = 64;
    private static final int SECTION_HEADER = 64;
    private static final int P_OFFSET = HEADER + 8;
    private static final int P_FILESZ = HEADER + 32;
    private static final int P_MEMSZ = HEADER + 40;

    private static final byte[] GOOD = kernel().symbol("start", HIGH, 2, ElfBuilder.FUNC)
            .loadedSection(".text", HIGH, 0x20)
            .build();

    private static ElfBuilder kernel() {
        return ElfBuilder.of64()
                .entry(HIGH)
                .load(0x10_0000, HIGH, 0x20, 0xfa, 0xf4)
                .load(0x10_1000, HIGH + 0x1000, 0x1000, 1, 2, 3, 4);
    }

    private static GuestImage read(ElfBuilder elf) {
        return GuestImage.of("kernel", elf.build());
    }

    @Test
    void segmentsHaveTheirAddressesBytesAndSizes() {
        GuestImage image = GuestImage.of("kernel", GOOD);

        assertThat(image.format()).isEqualTo(GuestImage.Format.ELF64);
        assertThat(image.entry()).hasValue(HIGH);
        Segment segment = image.segments().get(0);
        assertThat(segment.physicalAddress()).isEqualTo(0x10_0000);
        assertThat(segment.virtualAddress()).isEqualTo(HIGH);
        assertThat(segment.data()).containsExactly(0xfa, 0xf4);
        assertThat(segment.memorySize()).isEqualTo(0x20);
        assertThat(image.physicalEnd()).isEqualTo(0x10_2000);
        assertThat(image.sections()).containsExactly(new GuestImage.Section(".text", HIGH, 0x20));
    }

    @Test
    void lowAddressesComeBeforeThoseOfTheUpperHalf() {
        GuestImage image = read(ElfBuilder.of64()
                .load(HIGH, HIGH, 0x1000, 1)
                .load(0x10_0000, 0x10_0000, 0x1000, 2)
                .symbol("kernel", HIGH, 0x10, ElfBuilder.FUNC)
                .symbol("boot", 0x10_0000, 0x10, ElfBuilder.FUNC));

        assertThat(image.segments()).extracting(Segment::physicalAddress).containsExactly(0x10_0000L, HIGH);
        assertThat(image.physicalStart()).isEqualTo(0x10_0000);
        assertThat(image.physicalEnd()).isEqualTo(HIGH + 0x1000);
        assertThat(image.symbols()).extracting(Symbol::name).containsExactly("boot", "kernel");
        assertThat(image.symbolWithOffset(0x10_0004)).hasValue("boot+0x4");
        assertThat(image.symbolWithOffset(HIGH + 4)).hasValue("kernel+0x4");
    }

    @Test
    void labelOfNoKnownSectionStaysInItsHalfOfMemory() {
        GuestImage image = read(ElfBuilder.of64()
                .load(0x10_0000, 0x10_0000, 0x1000, 1)
                .symbol("boot", 0x10_0000, 0, ElfBuilder.NOTYPE)
                .symbol("kernel", HIGH, 0, ElfBuilder.NOTYPE));

        assertThat(image.symbolWithOffset(0x20_0000)).hasValue("boot+0x100000");
        assertThat(image.symbolWithOffset(0xffff_8000_0000_0000L)).isEmpty();
        assertThat(image.symbolWithOffset(HIGH + 0x30)).hasValue("kernel+0x30");
    }

    @Test
    void labelReachesToTheEndOfItsSection() {
        GuestImage image = read(kernel().loadedSection(".text", HIGH, 0x20).symbolIn(".text", "start", HIGH, 0));

        assertThat(image.symbolWithOffset(HIGH + 0x1f)).hasValue("start+0x1f");
        assertThat(image.symbolWithOffset(HIGH + 0x20)).isEmpty();
    }

    @Test
    void flatBinaryTakesTheDetailsOfItsElfFile() {
        GuestImage elf = GuestImage.of("kernel", GOOD);
        GuestImage flat = GuestImage.flat("kernel", new byte[] {(byte) 0xfa, (byte) 0xf4})
                .withDetailsOf(elf)
                .movedTo(0x10_0000);

        assertThat(flat.symbolWithOffset(HIGH + 1)).hasValue("start+0x1");
        assertThat(flat.segments().get(0).virtualAddress()).isEqualTo(HIGH);
        assertThat(flat.physicalEnd()).isEqualTo(0x10_2000);
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void sourceLinesHaveAddressesOfEightBytes(boolean compressed) {
        byte[] table = Dwarf.unit(4, """
                00 09 02 00 00 10 80 ff ff ff ff    // set_address 0xffffffff80100000
                15                                  // line 4
                02 08                               // advance_pc 8
                00 01 01                            // end_sequence
                """);
        GuestImage image = read(kernel().loadedSection(".text", HIGH, 0x20)
                .section(".debug_line", compressed ? ElfBuilder.COMPRESSED : 0, compressed ? deflated(table) : table));

        assertThat(image.sourceAt(HIGH)).hasValue("main.c:4");
        assertThat(image.sourceAt(HIGH + 7)).hasValue("main.c:4");
        assertThat(image.sourceAt(HIGH + 8)).isEmpty();
        assertThat(image.sourceAt(HIGH - 1)).isEmpty();
    }

    /** A compression header of 64 bits: type 1, a gap, size and alignment. */
    private static byte[] deflated(byte[] bytes) {
        Deflater deflater = new Deflater();
        deflater.setInput(bytes);
        deflater.finish();
        byte[] buffer = new byte[1024];
        int length = deflater.deflate(buffer);
        deflater.end();
        ByteArrayOutputStream section = new ByteArrayOutputStream();
        section.writeBytes(ByteBuffer.allocate(24)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(1)
                .putInt(0)
                .putLong(bytes.length)
                .putLong(1)
                .array());
        section.write(buffer, 0, length);
        return section.toByteArray();
    }

    @Test
    void testsAreFoundByPointersOfEightBytes() {
        ByteBuffer data = ByteBuffer.allocate(0x80).order(ByteOrder.LITTLE_ENDIAN);
        data.putLong(0, HIGH + 0x10);
        data.putLong(0x10, HIGH + 0x40).putLong(0x18, HIGH + 0x50).putInt(0x20, 9);
        data.position(0x40).put("adds\0".getBytes(StandardCharsets.UTF_8));
        data.position(0x50).put("arith.c\0".getBytes(StandardCharsets.UTF_8));
        int[] bytes = IntStream.range(0, data.capacity()).map(data::get).toArray();
        GuestImage image = read(ElfBuilder.of64()
                .load(0x10_0000, HIGH, 0x80, bytes)
                .symbol("__start_kvmguest_tests", HIGH, 0, ElfBuilder.NOTYPE)
                .symbol("__stop_kvmguest_tests", HIGH + 8, 0, ElfBuilder.NOTYPE));

        assertThat(image.guestTests()).containsExactly(new GuestTestCase(0, "adds", "arith.c", 9));
    }

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
            file[at] = (byte) random.nextInt(256);
            readOrRefuse(file, "byte " + at + " = " + file[at]);
        }
    }

    @Test
    void anyEightBytesChangedToTheEdgesOfTheirRangeGiveAnImageOrAnError() {
        long[] edges = {0, 1, -1, -2, -16, Long.MAX_VALUE, Long.MIN_VALUE, GOOD.length, 0x7fff_ffff, 0x8000_0000L};
        for (int at = 4; at + 8 <= GOOD.length; at++) {
            for (long edge : edges) {
                readOrRefuse(patched(at, edge), "bytes " + at + " = " + edge);
            }
        }
    }

    private static void readOrRefuse(byte[] file, String what) {
        try {
            GuestImage image = ElfReader.read("kernel", file);
            assertThat(image.segments()).as(what).isNotEmpty();
            image.symbolAt(HIGH);
            image.sourceAt(HIGH);
        } catch (IllegalArgumentException e) {
            assertThat(e).as(what).hasMessageStartingWith("image kernel ");
        }
    }

    @Test
    void hugeOffsetsAndSizesDoNotOverflow() {
        assertRefused(
                patched(P_OFFSET, -1),
                "is truncated: program header 0 would take the bytes 0xffffffffffffffff to 0x1, the file has "
                        + hex(GOOD.length));
        assertRefused(
                patched(P_FILESZ, Long.MAX_VALUE),
                "is truncated: program header 0 would take the bytes 0xb0 to 0x80000000000000af, the file has "
                        + hex(GOOD.length));
        assertRefused(
                patched(P_MEMSZ, -0x10_0000),
                "has a program header 0 of 0xfffffffffff00000 bytes from the physical address 0x100000 on, which is"
                        + " past the end of all addresses");
    }

    @ParameterizedTest
    @CsvSource({
        "0x0000800000000000, 0x800000000000-0x800000000fff",
        "0x00007ffffffff800, 0x7ffffffff800-0x8000000007ff",
        "0xffff7ffffffff800, 0xffff7ffffffff800-0xffff8000000007ff"
    })
    void virtualAddressThatNoProcessorHasIsRefused(String address, String range) {
        assertRefused(
                ElfBuilder.of64()
                        .load(0x10_0000, Long.parseUnsignedLong(address.substring(2), 16), 0x1000, 0xf4)
                        .build(),
                "has a program header 0 for the virtual addresses " + range + ", of which some are not canonical: no"
                        + " x86-64 processor with 4-level paging has 0x800000000000-0xffff7fffffffffff; link it elsewhere");
    }

    @Test
    void overlappingSegmentsAreBothNamed() {
        assertRefused(
                ElfBuilder.of64()
                        .load(HIGH, HIGH, 0x1001, 1)
                        .load(HIGH + 0x1000, HIGH + 0x1000, 0x10, 2)
                        .build(),
                "has two segments at the same physical addresses: 0xffffffff80100000-0xffffffff80101000 and"
                        + " 0xffffffff80101000-0xffffffff8010100f");
    }

    @Test
    void objectFileMustBeLinkedFirst() {
        assertRefused(
                patched16(E_TYPE, 1),
                "is a relocatable object file, which has no addresses yet; link it first, with ld -m elf_x86_64");
    }

    @Test
    void fileForAnotherMachineIsNamed() {
        assertRefused(
                patched16(E_MACHINE, 183),
                "is an ELF file of 64 bits for AArch64; this machine runs 32-bit files for i386 (3) and 64-bit files for"
                        + " x86-64 (62)");
    }

    @Test
    void positionIndependentExecutableAtAddressZeroSaysHowToLinkIt() {
        byte[] file = ElfBuilder.of64().load(0, 0, 0x1000, 0xf4).build();
        file[E_TYPE] = 3;

        assertRefused(
                file,
                "is a position-independent executable linked at address 0, which no loader moves here; link it for fixed"
                        + " addresses: -no-pie with ld or lld, -Wl,-no-pie with gcc or clang, -C relocation-model=static"
                        + " with Rust");
    }

    @Test
    void positionIndependentExecutableWithAnAddressMayHaveNoRelocations() {
        byte[] file = kernel().loadedSection(".rela.dyn", 0x10_2000, 24).build();
        file[E_TYPE] = 3;
        assertThat(GuestImage.of("kernel", file).physicalStart()).isEqualTo(0x10_0000);

        // The section before the last, which has the names, becomes SHT_RELA.
        file[file.length - 2 * SECTION_HEADER + 4] = 4;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestImage.of("kernel", file))
                .withMessageStartingWith("image kernel is a position-independent executable with 24 bytes of"
                        + " relocations, which no loader applies here, so that its pointers would be 0; link it for"
                        + " fixed addresses: ");
    }

    private static void assertRefused(byte[] file, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ElfReader.read("kernel", file))
                .withMessage("image kernel " + message);
    }

    private static byte[] patched(int at, long value) {
        byte[] file = GOOD.clone();
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(at, value);
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
