package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import org.junit.jupiter.api.Test;

class ElfReaderTests {

    @Test
    void segmentHasItsAddressesBytesAndSizeInMemory() {
        GuestImage image = read(new ElfBuilder().load(0x1000, 0x8000_1000L, 0x20, 0xf4, 0x90));

        assertThat(image.name()).isEqualTo("kernel");
        assertThat(image.format()).isEqualTo(GuestImage.Format.ELF32);
        Segment segment = image.segments().get(0);
        assertThat(segment.physicalAddress()).isEqualTo(0x1000);
        assertThat(segment.virtualAddress()).isEqualTo(0x8000_1000L);
        assertThat(segment.data()).containsExactly(0xf4, 0x90);
        assertThat(segment.memorySize()).isEqualTo(0x20);
        assertThat(segment.physicalEnd()).isEqualTo(0x1020);
    }

    @Test
    void segmentsAreInOrderOfPhysicalAddresses() {
        GuestImage image = read(
                new ElfBuilder().load(0x3000, 0, 1, 3).load(0x1000, 0, 1, 1).load(0x2000, 0, 1, 2));

        assertThat(image.segments()).extracting(Segment::physicalAddress).containsExactly(0x1000L, 0x2000L, 0x3000L);
        assertThat(image.segments()).extracting(segment -> segment.data()[0]).containsExactly((byte) 1, (byte) 2, (byte)
                3);
        assertThat(image.physicalStart()).isEqualTo(0x1000);
        assertThat(image.physicalEnd()).isEqualTo(0x3001);
    }

    @Test
    void sectionsInMemoryAreReadAndOthersAreNot() {
        GuestImage image = read(guest().loadedSection(".text", 0x1000, 0x40)
                .loadedSection(".init_array", 0x2000, 0x10)
                .section(".comment", 0, new byte[4]));

        assertThat(image.sections())
                .containsExactly(
                        new GuestImage.Section(".text", 0x1000, 0x40),
                        new GuestImage.Section(".init_array", 0x2000, 0x10));
    }

    @Test
    void flatBinaryTakesTheSectionsOfItsElfFile() {
        GuestImage elf = read(new ElfBuilder().load(0x1000, 0x1000, 1, 0xf4).loadedSection(".ctors", 0x1000, 1));
        GuestImage flat = GuestImage.flat("kernel", new byte[] {(byte) 0xf4});

        assertThat(flat.sections()).isEmpty();
        assertThat(flat.withDetailsOf(elf).movedTo(0x1000).sections()).isEqualTo(elf.sections());
    }

    @Test
    void segmentMayHaveNoBytesInTheFile() {
        GuestImage image = read(new ElfBuilder().load(0x1000, 0, 1, 0xf4).load(0x2000, 0, 0x1000));

        assertThat(image.segments().get(1).data()).isEmpty();
        assertThat(image.physicalEnd()).isEqualTo(0x3000);
    }

    @Test
    void segmentsMayTouch() {
        assertThat(read(new ElfBuilder().load(0x1000, 0, 0x1000, 1).load(0x2000, 0, 1, 2))
                        .segments())
                .hasSize(2);
    }

    @Test
    void onlyLoadableSegmentsOfSomeSizeAreTaken() {
        GuestImage image = read(new ElfBuilder()
                .segment(ElfBuilder.PT_NOTE, 0x1000, 0, 1, 1)
                .load(0x1000, 0, 1, 2)
                .load(0x1000, 0, 0));

        assertThat(image.segments()).hasSize(1);
        assertThat(image.segments().get(0).data()).containsExactly(2);
    }

    @Test
    void addressesAreUnsigned() {
        GuestImage image = read(new ElfBuilder().entry(0xffff_fff0L).load(0xffff_f000L, 0xffff_f000L, 0x1000, 0xf4));

        assertThat(image.entry()).hasValue(0xffff_fff0L);
        assertThat(image.physicalStart()).isEqualTo(0xffff_f000L);
        assertThat(image.physicalEnd()).isEqualTo(0x1_0000_0000L);
        assertThat(image.segments().get(0).virtualAddress()).isEqualTo(0xffff_f000L);
    }

    @Test
    void headersMayBeLongerThanTheyHaveToBe() {
        byte[] file = new ElfBuilder()
                .load(0x1000, 0, 1, 0xf4)
                .load(0x2000, 0, 1, 0x90)
                .build();
        // One header of twice the size: what was the second is now the tail of the first.
        file[42] = 2 * ElfBuilder.PROGRAM_HEADER;
        file[44] = 1;

        assertThat(ElfReader.read("kernel", file).segments())
                .extracting(Segment::physicalAddress)
                .containsExactly(0x1000L);
    }

    @Test
    void symbolsAreFunctionsObjectsAndLabelsInOrderOfAddress() {
        GuestImage image = read(guest().symbol("memset", 0x1010, 0x20, ElfBuilder.FUNC)
                .symbol("start", 0x1000, 0, ElfBuilder.NOTYPE)
                .symbol("banner", 0x1030, 6, ElfBuilder.OBJECT)
                .symbol(".text", 0x1000, 0, ElfBuilder.SECTION)
                .symbol("kernel.c", 0x1000, 0, ElfBuilder.FILE)
                .symbol("", 0x1000, 0, ElfBuilder.NOTYPE)
                .absoluteSymbol("DEBUG_EXIT", 0xf4)
                .undefinedSymbol("printf"));

        assertThat(image.symbols())
                .containsExactly(
                        new Symbol("start", 0x1000, 0),
                        new Symbol("memset", 0x1010, 0x20),
                        new Symbol("banner", 0x1030, 6, Symbol.UNKNOWN_END, true));
    }

    @Test
    void labelReachesToTheEndOfItsSection() {
        GuestImage image = read(guest().loadedSection(".text", 0x1000, 0x40)
                .loadedSection(".data", 0x2000, 0x10)
                .section(".comment", 0, new byte[4])
                .symbolIn(".text", "start", 0x1000, 0)
                .symbolIn(".data", "table", 0x2000, 8)
                .symbolIn(".data", "__data_end", 0x2010, 0)
                .symbolIn(".comment", "note", 0x3000, 0));

        assertThat(image.symbols())
                .containsExactly(
                        new Symbol("start", 0x1000, 0, 0x1040),
                        new Symbol("table", 0x2000, 8, 0x2010),
                        new Symbol("__data_end", 0x2010, 0, 0x2010),
                        new Symbol("note", 0x3000, 0));
        assertThat(image.symbolWithOffset(0x103f)).hasValue("start+0x3f");
        assertThat(image.symbolWithOffset(0x1040)).isEmpty();
        assertThat(image.symbolWithOffset(0x2007)).hasValue("table+0x7");
        assertThat(image.symbolWithOffset(0x2008)).isEmpty();
        assertThat(image.symbolWithOffset(0x2010)).isEmpty();
    }

    @Test
    void symbolNamesAreUtf8() {
        assertThat(read(guest().symbol("gr\u00fc\u00dfe", 0x1000, 0, ElfBuilder.FUNC))
                        .symbols())
                .containsExactly(new Symbol("gr\u00fc\u00dfe", 0x1000, 0));
    }

    @Test
    void symbolAddressesAreUnsigned() {
        assertThat(read(guest().symbol("top", 0xffff_fff0L, 0xf, ElfBuilder.FUNC))
                        .symbolAt(0xffff_fff8L))
                .contains(new Symbol("top", 0xffff_fff0L, 0xf));
    }

    @Test
    void strippedFileHasNoSymbols() {
        assertThat(read(guest()).symbols()).isEmpty();
    }

    @Test
    void magicMakesAFileElf() {
        assertThat(ElfReader.isElf(guest().build())).isTrue();
        assertThat(ElfReader.isElf(new byte[] {0x7f, 'E', 'L'})).isFalse();
        assertThat(ElfReader.isElf(new byte[] {0x7f, 'E', 'L', 'f', 1, 1})).isFalse();
        assertThat(ElfReader.isElf(new byte[0])).isFalse();
    }

    @Test
    void imageIsReadAsElfByItsMagic() {
        assertThat(GuestImage.of("kernel", guest().build()).format()).isEqualTo(GuestImage.Format.ELF32);
    }

    private static ElfBuilder guest() {
        return new ElfBuilder().entry(0x1000).load(0x1000, 0x1000, 0x40, 0xf4);
    }

    private static GuestImage read(ElfBuilder elf) {
        return ElfReader.read("kernel", elf.build());
    }
}
