package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.internal.boot.MultibootKernel.MAGIC;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.header;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.words;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.image.MultibootHeader.Addresses;
import dev.kvmguest.vmm.image.MultibootHeader.VideoMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MultibootHeaderTests {

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 64, 8180})
    void headerIsFoundAtAnyDoublewordOfTheFirst8192Bytes(int offset) {
        MultibootHeader header = MultibootHeader.find("kernel", join(new byte[offset], header(3), new byte[9000]));

        assertThat(header.offset()).isEqualTo(offset);
        assertThat(header.addresses()).isEmpty();
        assertThat(header.videoMode()).isEmpty();
    }

    @Test
    void headerMayBeTheWholeFile() {
        assertThat(MultibootHeader.find("kernel", header(0)).offset()).isZero();
    }

    @Test
    void magicWithoutItsChecksumIsPassedOver() {
        byte[] file = join(words(MAGIC, 3, 0), header(3));

        assertThat(MultibootHeader.find("kernel", file).offset()).isEqualTo(12);
    }

    @Test
    void addressesAreReadWhereFlag16SaysThatTheyAreThere() {
        byte[] file = header(0x1_0000, 0x10_0010, 0x10_0000, 0x10_2000, 0x10_3000, 0x8010_0020);

        assertThat(MultibootHeader.find("kernel", file).addresses())
                .hasValue(new Addresses(0x10_0010, 0x10_0000, 0x10_2000, 0x10_3000, 0x8010_0020L));
        assertThat(MultibootHeader.find("kernel", header(0, 1, 2, 3, 4, 5)).addresses())
                .isEmpty();
    }

    @Test
    void textAndGraphicsMayBothBeAskedFor() {
        for (int modeType : new int[] {0, 1}) {
            byte[] file = header(4, 0, 0, 0, 0, 0, modeType, 1024, 768, 32);

            assertThat(MultibootHeader.find("kernel", file).videoMode())
                    .hasValue(new VideoMode(modeType, 1024, 768, 32));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {17, 24, 31})
    void optionalFlagsThatNobodyKnowsAreIgnored(int bit) {
        assertThat(MultibootHeader.find("kernel", header(1 << bit)).offset()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"3, 0x8", "7, 0x80", "15, 0x8000"})
    void requiredFlagThatNobodyKnowsIsNamed(int bit, String flags) {
        assertRefused(
                "has a Multiboot header at file offset 0x0 with flags " + flags + ", of which bit " + bit
                        + " requires what no Multiboot 1 loader knows; of the bits 0 to 15 only 0, 1 and 2 may be set",
                header(1 << bit));
    }

    @Test
    void fileWithoutAHeaderSaysWhatToDo() {
        String message = "has no Multiboot header (magic 0x1badb002) in its first 8192 bytes, which boot mode multiboot"
                + " needs; put it into a section of its own that the linker script places first, or choose another boot"
                + " mode";

        assertRefused(message, new byte[20000]);
        assertRefused(message, new byte[3]);
        assertRefused(message, words(MAGIC, 3));
    }

    @Test
    void wrongChecksumIsNamedWithTheRightOne() {
        assertRefused(
                "has a Multiboot header at file offset 0x10 with the checksum 0x1; its flags 0x3 need 0xe4524ffb, which"
                        + " is -(0x1badb002 + flags)",
                join(new byte[16], words(MAGIC, 3, 1)));
    }

    @Test
    void headerBehindTheSearchedBytesIsNamed() {
        assertRefused(
                "has a Multiboot header at file offset 0x2000, after the first 8192 bytes, where loaders look; put its"
                        + " section first in the linker script",
                join(new byte[8192], header(3)));
        assertRefused(
                "has a Multiboot header at file offset 0x1ff8, after the first 8192 bytes, where loaders look; put its"
                        + " section first in the linker script",
                join(new byte[8184], header(3)));
    }

    @Test
    void headerThatIsNotAlignedIsNamed() {
        assertRefused(
                "has a Multiboot header at file offset 0x6, which is not a multiple of 4; align it with .balign 4",
                join(new byte[6], header(3)));
    }

    @ParameterizedTest
    @CsvSource({"0x10000, 32, 8164", "0x4, 48, 8148", "0x10004, 48, 8148"})
    void headerWhoseLaterFieldsAreCutOffIsNamed(String flags, int size, int offset) {
        int bits = Integer.decode(flags);
        String message = "has a Multiboot header at file offset 0x" + Integer.toHexString(offset) + " whose " + size
                + " bytes don't lie within the first 8192 bytes of the file; put its section first in the linker"
                + " script";

        assertRefused(message, join(new byte[offset], header(bits), new byte[100]));
        assertThat(MultibootHeader.find("kernel", join(new byte[offset - 4], header(bits), new byte[100]))
                        .offset())
                .isEqualTo(offset - 4);
        assertRefused(
                message.replace("0x" + Integer.toHexString(offset), "0x0"), join(header(bits), new byte[size - 13]));
    }

    @Test
    void buildIdThatPushesTheHeaderOutIsNamedWithTheOptionThatLeavesItOut() {
        byte[] note = join(words(4, 20, 3, 0x0055_4e47), new byte[20]);

        assertRefused(
                "has a Multiboot header at file offset 0x2000, after the first 8192 bytes, where loaders look; the"
                        + " linker put .note.gnu.build-id before it: link with -Wl,--build-id=none (ld"
                        + " --build-id=none), and put the header's section first in the linker script",
                join(new byte[4096], note, new byte[4096 - note.length], header(3)));
        assertRefused(
                "has a Multiboot header at file offset 0x2000, after the first 8192 bytes, where loaders look; put its"
                        + " section first in the linker script",
                join(new byte[8192], header(3), note));
    }

    @Test
    void headerOfMultiboot2IsNamedWithItsBootMode() {
        int magic = 0xE852_50D6;

        assertRefused(
                "has a Multiboot 2 header, and boot mode multiboot needs one of Multiboot 1 (magic 0x1badb002); choose"
                        + " boot mode multiboot2",
                words(0, 0, magic, 0, 16, -(magic + 16), 0, 8));
    }

    private static void assertRefused(String message, byte[] file) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultibootHeader.find("kernel", file))
                .withMessage("image kernel " + message);
    }
}
