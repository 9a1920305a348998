package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static dev.kvmguest.vmm.internal.boot.PvhKernel.entry;
import static dev.kvmguest.vmm.internal.boot.PvhKernel.note;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.internal.boot.PvhKernel;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where Xen's note is found in ELF files, and which are refused. */
class PvhNoteTests {

    private static final byte[] HALT = {(byte) 0xf4};

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void descriptorHas4Or8BytesInFilesOfEitherClass(int size) {
        for (ElfBuilder builder : new ElfBuilder[] {new ElfBuilder(), ElfBuilder.of64()}) {
            assertThat(find(builder, entry(size, 0x10_0020)).entry()).isEqualTo(0x10_0020);
        }
    }

    @Test
    void addressesAreUnsigned() {
        assertThat(find(new ElfBuilder(), entry(4, 0xf000_0000L)).entry()).isEqualTo(0xf000_0000L);
    }

    @Test
    void otherNotesAndProgramHeadersOfNotesAreSkipped() {
        byte[] others = join(note("GNU", 18, ByteBuffer.allocate(8), 5), note("Xen", 5, ByteBuffer.allocate(8), 7));
        GuestImage image = image(new ElfBuilder().notes(others), join(others, entry(4, 0x10_0000)));

        assertThat(PvhNote.find(image).entry()).isEqualTo(0x10_0000);
    }

    @Test
    void fileWithoutTheNoteIsToldHowToGetIt() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> find(new ElfBuilder(), note("Xen", 5, ByteBuffer.allocate(8), 4)))
                .withMessageStartingWith(
                        "image kernel has no Xen note of type 18 (XEN_ELFNOTE_PHYS32_ENTRY), which boot"
                                + " mode pvh needs; give its section the flag \"a\"")
                .withMessageContaining("PT_NOTE")
                .withMessageEndingWith("or choose another boot mode");
    }

    @Test
    void symbolThatSpeaksOfADroppedNoteIsNamed() {
        GuestImage image = GuestImage.of(
                "kernel",
                PvhKernel.code(ElfBuilder.of64(), HALT)
                        .symbol("xen_pvh_entry", PvhKernel.LOAD, 1, 2)
                        .build());

        assertThatIllegalArgumentException()
                .isThrownBy(() -> PvhNote.find(image))
                .withMessageStartingWith(
                        "image kernel has no Xen note of type 18 (XEN_ELFNOTE_PHYS32_ENTRY), which boot"
                                + " mode pvh needs, though it has xen_pvh_entry, so that a linker script may have dropped it"
                                + " (/DISCARD/); give its section");
    }

    @Test
    void noteThatTheLinkerScriptPutElsewhereIsNamed() {
        GuestImage image = GuestImage.of(
                "kernel",
                PvhKernel.code(new ElfBuilder(), join(HALT, new byte[3], entry(4, 0x10_0000)))
                        .build());

        assertThat(PvhNote.isMeant(image)).isTrue();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PvhNote.find(image))
                .withMessageStartingWith("image kernel has the Xen note of type 18 at file offset 0x58, which is in no"
                        + " PT_NOTE program header, where loaders look; ");
    }

    @Test
    void descriptorOfAnotherSizeIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> find(new ElfBuilder(), note("Xen", 18, ByteBuffer.allocate(8), 2)))
                .withMessageContaining("with a descriptor of 2 bytes; it is one number of 4 or 8 bytes");
        byte[] whole = entry(8, 0x10_0000);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> find(new ElfBuilder(), Arrays.copyOf(whole, whole.length - 4)))
                .withMessageContaining("a descriptor of 8 bytes that passes the end of its program header");
    }

    @Test
    void linearAddressOfAHigherHalfIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> find(ElfBuilder.of64(), entry(8, 0xffff_ffff_8010_0000L)))
                .withMessageContaining("the entry point 0xffffffff80100000, which 32-bit code can't have; the note has"
                        + " the physical address");
    }

    @Test
    void flatBinaryIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PvhNote.find(GuestImage.flat("kernel", entry(4, 0))))
                .withMessage("image kernel is a flat binary, in which no note can be found; boot mode pvh boots the ELF"
                        + " file");
        assertThat(PvhNote.isMeant(GuestImage.flat("kernel", entry(4, 0)))).isFalse();
    }

    @Test
    void damagedNotesAreAClearErrorOrAreRead() {
        Random random = new Random(17);
        byte[] good = PvhKernel.code(ElfBuilder.of64(), HALT)
                .notes(join(note("GNU", 3, ByteBuffer.allocate(8), 8), entry(8, 0x10_0000)))
                .build();
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = good.clone();
            for (int damage = 0; damage < 3; damage++) {
                bytes[64 + 56 + random.nextInt(bytes.length - 64 - 56)] = (byte) random.nextInt();
            }
            try {
                assertThat(PvhNote.find(GuestImage.of("kernel", bytes)).entry()).isBetween(0L, 0xffff_ffffL);
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageStartingWith("image kernel ");
            }
        }
    }

    private static PvhNote find(ElfBuilder builder, byte[] notes) {
        return PvhNote.find(image(builder, notes));
    }

    private static GuestImage image(ElfBuilder builder, byte[] notes) {
        return GuestImage.of(
                "kernel", PvhKernel.code(builder, HALT).notes(notes).build());
    }
}
