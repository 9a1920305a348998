package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GuestImageTests {

    @Test
    void bytesWithoutTheMagicAreAFlatImage() {
        byte[] bytes = {(byte) 0xfa, (byte) 0xf4};

        GuestImage image = GuestImage.of("hello.bin", bytes);
        bytes[0] = 0;

        assertThat(image.name()).isEqualTo("hello.bin");
        assertThat(image.format()).isEqualTo(GuestImage.Format.FLAT);
        assertThat(image.entry()).isEmpty();
        assertThat(image.symbols()).isEmpty();
        assertThat(image.physicalStart()).isZero();
        assertThat(image.physicalEnd()).isEqualTo(2);
        assertThat(image.segments().get(0).data()).containsExactly(0xfa, 0xf4);
    }

    @Test
    void emptyImageIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestImage.of("hello.bin", new byte[0]))
                .withMessage("image hello.bin is empty");
    }

    @Test
    void imageNeedsASegment() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> elf(List.of(), List.of()))
                .withMessage("image kernel has nothing to load");
    }

    @Test
    void fileGivesTheImageItsName(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("hello.bin"), new byte[] {(byte) 0xf4});

        assertThat(GuestImage.read(file).name()).isEqualTo("hello.bin");
    }

    @Test
    void missingFileIsNamed(@TempDir Path folder) {
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> GuestImage.read(folder.resolve("hello.bin")))
                .withMessageContaining("hello.bin");
    }

    @Test
    void movingKeepsDistancesAndVirtualAddresses() {
        GuestImage image = elf(
                List.of(
                        new Segment(0x3000, 0x8000_3000L, new byte[1], 0x10),
                        new Segment(0x1000, 0x8000_1000L, new byte[1], 1)),
                List.of());

        GuestImage moved = image.movedTo(0x5000);

        assertThat(moved.segments()).extracting(Segment::physicalAddress).containsExactly(0x5000L, 0x7000L);
        assertThat(moved.segments()).extracting(Segment::virtualAddress).containsExactly(0x8000_1000L, 0x8000_3000L);
        assertThat(moved.physicalEnd()).isEqualTo(0x7010);
        assertThat(image.physicalStart()).isEqualTo(0x1000);
    }

    @Test
    void endIsThatOfTheSegmentThatReachesFarthest() {
        GuestImage image = elf(
                List.of(new Segment(0x1000, 0, new byte[0], 0x5000), new Segment(0x2000, 0, new byte[0], 1)),
                List.of());

        assertThat(image.physicalEnd()).isEqualTo(0x6000);
    }

    @ParameterizedTest
    @CsvSource({
        "0xfff,",
        "0x1000, start",
        "0x100f, start",
        "0x1010, memset",
        "0x102f, memset",
        "0x1030, start",
        "0x103f, start",
        "0x1040, idle",
        "0xffffffff, idle"
    })
    void symbolIsTheOneAroundAnAddressOrTheNearestLabelBefore(String address, String name) {
        GuestImage image = elf(
                List.of(new Segment(0x1000, 0x1000, new byte[1], 0x100)),
                List.of(
                        new Symbol("idle", 0x1040, 0),
                        new Symbol("memset", 0x1010, 0x20),
                        new Symbol("start", 0x1000, 0)));

        assertThat(image.symbolAt(Long.decode(address)).map(Symbol::name).orElse(null))
                .isEqualTo(name);
    }

    @Test
    void addressBehindASizedSymbolHasNone() {
        GuestImage image = elf(
                List.of(new Segment(0x1000, 0x1000, new byte[1], 0x100)), List.of(new Symbol("memset", 0x1010, 0x20)));

        assertThat(image.symbolAt(0x1030)).isEmpty();
    }

    @Test
    void labelAfterItsSectionNamesNothingElse() {
        // As bss_start = ALIGN(0x1000) at the end of .data.
        GuestImage image = elf(
                List.of(new Segment(0x1000, 0x1000, new byte[1], 0x4000)),
                List.of(new Symbol("data_end", 0x1aa0, 0, 0x1aa0), new Symbol("bss_start", 0x2000, 0, 0x1aa0)));

        assertThat(image.symbolAt(0x1ab0)).isEmpty();
        assertThat(image.symbolAt(0x2010)).isEmpty();
        assertThat(image.symbolAt(0xffff_ffff_8010_0000L)).isEmpty();
    }

    @Test
    void guestsOwnLabelIsPreferredToOneThatLinkersDefine() {
        GuestImage image = elf(
                List.of(new Segment(0x1000, 0x1000, new byte[1], 0x100)),
                List.of(new Symbol("ticks", 0x1010, 0), new Symbol("__bss_start", 0x1010, 0)));

        assertThat(image.symbolWithOffset(0x1010)).hasValue("ticks");
    }

    @Test
    void functionIsPreferredToALabelInIt() {
        GuestImage image = elf(
                List.of(new Segment(0x1000, 0x1000, new byte[1], 0x100)),
                List.of(
                        new Symbol("__text_start", 0x1000, 0),
                        new Symbol("memset", 0x1000, 0x20),
                        new Symbol("loop", 0x1010, 0),
                        new Symbol("idle", 0x1020, 0)));

        assertThat(image.symbolWithOffset(0x1000)).hasValue("memset");
        assertThat(image.symbolWithOffset(0x101f)).hasValue("memset+0x1f");
        assertThat(image.symbolWithOffset(0x1020)).hasValue("idle");
        assertThat(image.symbolWithOffset(0x0fff)).isEmpty();
    }

    @Test
    void imageThatWasNotReadFromAFileHasNoLines() {
        GuestImage image = elf(List.of(new Segment(0x1000, 0x1000, new byte[1], 1)), List.of());

        assertThat(image.sourceAt(0x1000)).isEmpty();
        assertThat(GuestImage.of("hello.bin", new byte[] {(byte) 0xf4}).sourceAt(0))
                .isEmpty();
    }

    private static GuestImage elf(List<Segment> segments, List<Symbol> symbols) {
        return new GuestImage("kernel", GuestImage.Format.ELF32, segments, OptionalLong.of(0x1000), symbols);
    }
}
