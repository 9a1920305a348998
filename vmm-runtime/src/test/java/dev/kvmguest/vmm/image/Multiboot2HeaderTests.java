package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.MAGIC;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.OPTIONAL;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.header;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.tag;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.words;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.image.Multiboot2Header.Preference;
import dev.kvmguest.vmm.image.Multiboot2Header.Relocation;
import dev.kvmguest.vmm.image.Multiboot2Header.VideoMode;
import dev.kvmguest.vmm.image.MultibootHeader.Addresses;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which headers of Multiboot 2 are found and read, and what is said of the others. */
class Multiboot2HeaderTests {

    private static final String AT_0 = "has a Multiboot 2 header at file offset 0x0 with ";

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 4096, 32744})
    void headerIsFoundAtAnyQuadwordOfTheFirst32KiB(int offset) {
        Multiboot2Header header = read(join(new byte[offset], header(), new byte[9000]));

        assertThat(header)
                .isEqualTo(new Multiboot2Header(
                        offset,
                        List.of(),
                        Optional.empty(),
                        OptionalLong.empty(),
                        true,
                        false,
                        Optional.empty(),
                        Optional.empty()));
    }

    @Test
    void damagedOnesAndThoseForMipsAreSkippedBeforeOneForI386() {
        byte[] mips = words(MAGIC, 4, 24, -(MAGIC + 28), 0, 8);

        assertThat(read(join(words(MAGIC, 0, 24, 0, 0, 8), mips, header())).offset())
                .isEqualTo(48);
    }

    @Test
    void addressesAndEntryAreRead() {
        byte[] file = header(tag(2, 0, 0x10_0010, 0x10_0000, 0x10_2000, 0x10_3000), tag(3, 0, 0x8010_0020));

        Multiboot2Header header = read(join(new byte[16], file));

        assertThat(header.addresses())
                .hasValue(new Addresses(0x10_0010, 0x10_0000, 0x10_2000, 0x10_3000, 0x8010_0020L));
        assertThat(header.entry()).hasValue(0x8010_0020L);
    }

    @Test
    void loadAddressOfOnesLoadsTheFileFromItsBeginning() {
        byte[] file = join(new byte[16], header(tag(2, 0, 0x10_0010, -1, 0, 0), tag(3, 0, 0x10_0000)));

        assertThat(read(file).addresses()).hasValue(new Addresses(0x10_0010, 0x10_0000, 0, 0, 0x10_0000));
    }

    @Test
    void entryMayBeGivenForAnElfFileToo() {
        Multiboot2Header header = read(header(tag(3, 0, 0x10_0100)));

        assertThat(header.addresses()).isEmpty();
        assertThat(header.entry()).hasValue(0x10_0100);
    }

    @ParameterizedTest
    @CsvSource({"0, false, false", "1, true, false", "2, false, true", "3, true, true"})
    void consoleFlagsAreRead(int flags, boolean required, boolean text) {
        Multiboot2Header header = read(header(tag(4, 0, flags), tag(5, 0, 0, 0, 0)));

        assertThat(header.consoleRequired()).isEqualTo(required);
        assertThat(header.textConsole()).isEqualTo(text);
    }

    @Test
    void framebufferIsReadWhetherOptionalOrNot() {
        assertThat(read(header(tag(5, 0, 1024, 768, 32))).framebuffer()).hasValue(new VideoMode(1024, 768, 32));
        assertThat(read(header(tag(5, OPTIONAL, 0, 0, 0))).framebuffer()).hasValue(new VideoMode(0, 0, 0));
    }

    @ParameterizedTest
    @CsvSource({"0, NONE", "1, LOW", "2, HIGH", "3, NONE"})
    void relocationIsRead(int number, Preference preference) {
        assertThat(read(header(tag(10, 0, 0x10_0000, 0xffff_ffff, 0x20_0000, number)))
                        .relocation())
                .hasValue(new Relocation(0x10_0000, 0xffff_ffffL, 0x20_0000, preference));
    }

    @Test
    void alignmentOf0IsNone() {
        assertThat(read(header(tag(10, 0, 0, 0x100_0000, 0, 0)))
                        .relocation()
                        .orElseThrow()
                        .alignment())
                .isEqualTo(1);
    }

    @Test
    void whatIsRequiredIsKnownAndWhatIsOptionalDoesNotMatter() {
        Multiboot2Header header = read(header(tag(1, 0, 6, 15, 21), tag(1, OPTIONAL, 12, 99, 1), tag(1, 0, 8)));

        assertThat(header.requests())
                .containsExactly(
                        Multiboot2Tag.MEMORY_MAP,
                        Multiboot2Tag.ACPI_NEW,
                        Multiboot2Tag.LOAD_BASE,
                        Multiboot2Tag.FRAMEBUFFER);
    }

    @ParameterizedTest
    @ValueSource(ints = {7, 8, 9, 11, 255, 65535})
    void optionalTagThatCannotBeFollowedIsIgnored(int type) {
        assertThat(read(header(tag(type, OPTIONAL, 1), tag(6, 0), tag(3, 0, 0x10_0000)))
                        .entry())
                .hasValue(0x10_0000);
    }

    @ParameterizedTest
    @CsvSource({"7, an EFI boot services tag", "8, an EFI i386 entry address tag", "9, an EFI amd64 entry address tag"})
    void requiredEfiTagIsRefusedByName(int type, String name) {
        assertRefused(
                AT_0 + name + " (type " + type
                        + "), which needs UEFI firmware, and this machine has none; set bit 0 of its"
                        + " flags, which makes it optional",
                header(tag(type, 0, 0, 0)));
    }

    @Test
    void requiredTagThatNobodyKnowsIsRefusedByNumber() {
        assertRefused(
                AT_0 + "a tag of type 77 at file offset 0x10, which the specification doesn't know; take it out, or set"
                        + " bit 0 of its flags, which makes it optional",
                header(tag(77, 0)));
    }

    @ParameterizedTest
    @CsvSource({"22", "1000", "4294967295"})
    void requiredInformationThatNobodyKnowsIsRefusedByNumber(long number) {
        assertRefused(
                AT_0 + "an information request for tag " + number
                        + ", which the specification doesn't know; the last is"
                        + " 21: take it out of the request, or set bit 0 of the request's flags, which makes it"
                        + " optional",
                header(tag(1, 0, 6, (int) number)));
    }

    @ParameterizedTest
    @CsvSource({
        "11, the EFI system table (32 bits)",
        "12, the EFI system table (64 bits)",
        "17, the EFI memory map",
        "18, EFI boot services",
        "19, the EFI image handle (32 bits)",
        "20, the EFI image handle (64 bits)"
    })
    void requiredEfiInformationIsRefusedByName(int number, String name) {
        assertRefused(
                AT_0 + "an information request for tag " + number + ", " + name
                        + ", which a PC without UEFI firmware hasn't; set bit 0 of the request's flags, which makes it"
                        + " optional, or take the tag out of it",
                header(tag(1, 0, number)));
    }

    @Test
    void requiredSmbiosTablesAreRefusedAsByGrub() {
        assertRefused(
                AT_0 + "an information request for tag 13, SMBIOS tables, which GRUB doesn't know, so that it boots no"
                        + " such kernel; set bit 0 of the request's flags, which makes it optional, or take the tag out"
                        + " of it",
                header(tag(1, 0, 13)));
    }

    @Test
    void fileWithoutAHeaderSaysWhatToDo() {
        String message = "has no Multiboot 2 header (magic 0xe85250d6) in its first 32768 bytes, which boot mode"
                + " multiboot2 needs; put it into a section of its own that the linker script places first, with"
                + " KEEP(...) if it links with --gc-sections, or choose another boot mode";

        assertRefused(message, new byte[40000]);
        assertRefused(message, new byte[3]);
        assertRefused(message, words(MAGIC, 0, 16));
    }

    @Test
    void headerOfMultiboot1IsNamedWithItsBootMode() {
        assertRefused(
                "has a Multiboot 1 header, and boot mode multiboot2 needs one of Multiboot 2 (magic 0xe85250d6); choose"
                        + " boot mode multiboot",
                MultibootKernel.header(3, 0, 0, 0));
    }

    @Test
    void wrongChecksumIsNamedWithTheRightOne() {
        assertRefused(
                "has a Multiboot 2 header at file offset 0x8 with the checksum 0x1; its architecture 0 and length 0x18"
                        + " need 0x17adaf12, which is -(0xe85250d6 + architecture + header_length)",
                join(new byte[8], words(MAGIC, 0, 24, 1, 0, 8)));
    }

    @Test
    void headerForMipsIsRefusedByName() {
        assertRefused(
                "has a Multiboot 2 header at file offset 0x0 for MIPS (architecture 4); this machine boots headers for"
                        + " i386 (architecture 0), whose kernels are entered in 32 bits and may go on to 64",
                words(MAGIC, 4, 24, -(MAGIC + 28), 0, 8));
    }

    @Test
    void headerForAnotherArchitectureIsRefusedByNumber() {
        assertRefused(
                "has a Multiboot 2 header at file offset 0x0 for architecture 7, which the specification doesn't know;"
                        + " write 0, which is i386",
                words(MAGIC, 7, 24, -(MAGIC + 31), 0, 8));
    }

    @Test
    void headerAfterTheSearchedBytesIsNamed() {
        String message = ", not within the first 32768 bytes, where loaders look; put its section first in the linker"
                + " script";

        assertRefused("has a Multiboot 2 header at file offset 0x8000" + message, join(new byte[32768], header()));
        assertRefused("has a Multiboot 2 header at file offset 0x7ff8" + message, join(new byte[32760], header()));
    }

    @Test
    void headerThatIsNotAlignedIsNamed() {
        assertRefused(
                "has a Multiboot 2 header at file offset 0x4, which is not a multiple of 8; align it with .balign 8",
                join(new byte[4], header()));
    }

    @ParameterizedTest
    @CsvSource({"16, 0x10, 0x18", "23, 0x17, 0x18", "25, 0x19, 0x18", "-1, 0xffffffff, 0x18"})
    void lengthThatIsTooSmallOrBeyondTheFileIsNamed(int length, String hex, String most) {
        assertRefused(
                AT_0 + "header_length " + hex + ", which must be from 0x18, with an end tag and no other, to " + most
                        + ", what the file has of the first 32768 bytes from the header on; it counts from the magic"
                        + " number to the end of the end tag",
                words(MAGIC, 0, length, -(MAGIC + length), 0, 8));
    }

    @Test
    void headerThatIsCutOffAtTheSearchedBytesIsNamed() {
        assertRefused(
                "has a Multiboot 2 header at file offset 0x7fe8 with header_length 0x28, which must be from 0x18, with"
                        + " an end tag and no other, to 0x18, what the file has of the first 32768 bytes from the header"
                        + " on; it counts from the magic number to the end of the end tag",
                join(new byte[32744], header(tag(3, 0, 1))));
    }

    @Test
    void tagsWithoutAnEndAreNamed() {
        int length = 32;

        assertRefused(
                AT_0 + "no end tag (type 0, flags 0, size 8) in the 32 bytes of its header_length; end the tags with"
                        + " one, and have header_length count it",
                join(words(MAGIC, 0, length, -(MAGIC + length)), tag(3, 0, 0x10_0000, 0), words(0, 8)));
    }

    @Test
    void tagOfAnImpossibleSizeIsNamed() {
        for (int size : new int[] {0, 7, 33, 0x7fff_fff0, -8}) {
            int length = 48;
            assertRefused(
                    AT_0 + "an entry address tag at file offset 0x10 of " + Integer.toUnsignedString(size)
                            + " bytes, which must be from 8 to the end of the header at 0x30; check its size and"
                            + " header_length",
                    words(MAGIC, 0, length, -(MAGIC + length), 3, size, 0, 0, 0, 0, 0, 8));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2, an address tag, 24",
        "3, an entry address tag, 12",
        "4, a console flags tag, 12",
        "5, a framebuffer tag, 20",
        "10, a relocatable tag, 24"
    })
    void tagThatIsTooShortForItsFieldsIsNamed(int type, String name, int size) {
        assertRefused(AT_0 + name + " at file offset 0x10 of 8 bytes; it has " + size, header(tag(type, 0), tag(6, 0)));
    }

    @Test
    void tagsWithoutAlignmentAreNamedAsSuch() {
        byte[] tags = join(words(3, 12, 0x10_0000), words(4, 12, 3), words(0, 8));
        int length = 16 + tags.length;

        assertRefused(
                AT_0 + "a tag of type 12 at file offset 0x20 of 3 bytes, which must be from 8 to the end of the header"
                        + " at 0x30; check its size and header_length; the tag before it ends at 0x1c, and the next one"
                        + " begins at the next multiple of 8 from the header on: put .balign 8 before each tag",
                join(words(MAGIC, 0, length, -(MAGIC + length)), tags));
    }

    @Test
    void addressTagWithoutAnEntryIsRefused() {
        assertRefused(
                AT_0
                        + "an address tag and no entry address tag (type 3); add one, since the address tag takes the place"
                        + " of an ELF header, which would name the entry",
                header(tag(2, 0, 0x10_0000, 0x10_0000, 0, 0)));
    }

    @Test
    void consoleThatNobodyCanGiveIsRefused() {
        assertRefused(
                AT_0 + "console flags that require a console, no framebuffer tag, and no support for EGA text (bit 1 of"
                        + " the flags), so that no console is left; set that bit, or add a framebuffer tag",
                header(tag(4, 0, 1)));
        assertThat(read(header(tag(4, 0, 0))).textConsole()).isFalse();
    }

    @Test
    void alignmentThatIsNoPowerOfTwoIsRefused() {
        assertRefused(
                AT_0
                        + "a relocatable tag with the alignment 0x3000, which is no power of two; write one, such as 0x1000",
                header(tag(10, 0, 0, -1, 0x3000, 0)));
    }

    @Test
    void randomHeadersAreReadOrRefusedInASentence() {
        Random random = new Random(17);
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] file = header(
                    tag(
                            1 + random.nextInt(11),
                            random.nextInt(2),
                            random.ints(random.nextInt(6)).toArray()),
                    tag(
                            random.nextInt(11),
                            OPTIONAL,
                            random.ints(4, 0, 0x20_0000).toArray()));
            for (int changes = random.nextInt(3); changes > 0; changes--) {
                file[12 + random.nextInt(file.length - 12)] = (byte) random.nextInt();
            }
            int sum = -(MAGIC
                    + ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(8));
            System.arraycopy(words(sum), 0, file, 12, 4);
            try {
                read(file);
                read++;
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageStartingWith("image kernel " + AT_0);
            }
        }
        assertThat(read).isBetween(1000, 19_000);
    }

    private static Multiboot2Header read(byte[] file) {
        return Multiboot2Header.find("kernel", file);
    }

    private static void assertRefused(String message, byte[] file) {
        assertThatIllegalArgumentException().isThrownBy(() -> read(file)).withMessage("image kernel " + message);
    }
}
