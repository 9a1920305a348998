package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ManifestsTests {

    private static GuestSpec spec(BootMode boot, OptionalLong load, Optional<EntryPoint> entry) {
        return new GuestSpec(
                "kernel",
                new SourceTree(Path.of("src"), List.of(), List.of()),
                Optional.of(Path.of("kernel.ld")),
                boot,
                load,
                entry,
                OptionalLong.of(1 << 20),
                List.of(),
                List.of(),
                List.of(),
                ToolchainKind.LLVM,
                Architecture.of(boot),
                "",
                List.of());
    }

    private static GuestImage elf(long physical, long virtual, long entry) {
        return new GuestImage(
                "kernel.elf",
                GuestImage.Format.ELF32,
                List.of(new Segment(physical, virtual, new byte[16], 32)),
                OptionalLong.of(entry),
                List.of());
    }

    private static String text(GuestSpec spec, GuestImage elf) {
        return Manifests.of(spec, elf).toText();
    }

    @Test
    void anElfFileKnowsItsPlaceAndEntry() {
        GuestSpec spec = spec(BootMode.PAGED, OptionalLong.empty(), Optional.empty());

        assertThat(text(spec, elf(0x1000, 0x80001000L, 0x80001004L)))
                .isEqualTo("id=kernel\nimage=kernel.elf\nboot=paged\nmemory=1048576\n");
    }

    @Test
    void whatThePomSaysOfAnElfFileIsWrittenOut() {
        GuestSpec spec = spec(BootMode.PROTECTED, OptionalLong.of(0x100000), Optional.of(EntryPoint.linear(0x100008)));

        assertThat(text(spec, elf(0x1000, 0x1000, 0x1000)))
                .isEqualTo("id=kernel\nimage=kernel.elf\nboot=protected\nload=0x100000\nentry=0x100008\n"
                        + "memory=1048576\n");
    }

    @Test
    void aPvhKernelIsEnteredWhereItsNoteSays() {
        GuestSpec spec = spec(BootMode.PVH, OptionalLong.empty(), Optional.empty());
        byte[] note = new byte[84 + 20];
        ByteBuffer.wrap(note)
                .order(ByteOrder.LITTLE_ENDIAN)
                // An ELF header of 52 bytes with one program header, PT_NOTE, for what comes behind the two.
                .put(new byte[] {0x7f, 'E', 'L', 'F', 1, 1})
                .putInt(28, 52)
                .putShort(42, (short) 32)
                .putShort(44, (short) 1)
                .putInt(52, 4)
                .putInt(56, 84)
                .putInt(68, 20)
                .putInt(84, 4)
                .putInt(88, 4)
                .putInt(92, 18)
                .putInt(96, 0x006e_6558)
                .putInt(100, 0x10_0000);
        GuestImage kernel = elf(0x10_0000, 0x10_0000, 0);
        GuestImage noted = new GuestImage(
                "kernel.elf", GuestImage.Format.ELF32, kernel.segments(), kernel.entry(), List.of(), note);

        assertThat(text(spec, noted)).isEqualTo("id=kernel\nimage=kernel.elf\nboot=pvh\nmemory=1048576\n");
        assertThatThrownBy(() -> Manifests.of(
                        spec,
                        new GuestImage(
                                "kernel.elf",
                                GuestImage.Format.ELF32,
                                kernel.segments(),
                                kernel.entry(),
                                List.of(),
                                Arrays.copyOf(note, 84))))
                .hasMessageStartingWith("image kernel.elf has a PT_NOTE program header for 0x14 bytes");
    }

    @Test
    void anElfFileWithoutAnEntryIsEnteredAtItsFirstByte() {
        GuestSpec spec = spec(BootMode.PROTECTED, OptionalLong.empty(), Optional.empty());

        assertThat(text(spec, elf(0x1000, 0x2000, 0))).contains("entry=0x2000\n");
    }

    @Test
    void aRealModeGuestIsItsFlatBinaryWhereItWasLinked() {
        GuestSpec spec = spec(BootMode.REAL, OptionalLong.empty(), Optional.empty());

        assertThat(text(spec, elf(0x7c00, 0x7c00, 0x7c03)))
                .isEqualTo("id=kernel\nimage=kernel.bin\nboot=real\nload=0x7c00\nentry=0x7c03\nmemory=1048576\n");
        assertThat(text(spec, elf(0x7c00, 0x7c00, 0))).contains("entry=0x7c00\n");
    }

    @Test
    void aRealModeGuestThatIsMovedIsEnteredWhereItsEntryIsThen() {
        GuestSpec spec = spec(BootMode.REAL, OptionalLong.of(0x7c00), Optional.empty());

        assertThat(text(spec, elf(0, 0, 4))).contains("load=0x7c00\nentry=0x7c04\n");
    }

    @Test
    void theFlatBinaryBeginsWithTheFirstSegmentThatHasBytes() {
        GuestImage elf = new GuestImage(
                "kernel.elf",
                GuestImage.Format.ELF32,
                List.of(new Segment(0x500, 0x500, new byte[0], 64), new Segment(0x1000, 0x1000, new byte[4], 4)),
                OptionalLong.of(0x1000),
                List.of());

        assertThat(text(spec(BootMode.REAL, OptionalLong.empty(), Optional.empty()), elf))
                .contains("load=0x1000\n");
    }

    @Test
    void aMultibootKernelIsItsElfFile() {
        assertThat(text(multiboot(), multibootElf(0, 0x100000, 0x10000c)))
                .isEqualTo("id=kernel\nimage=kernel.elf\nboot=multiboot\nmemory=1048576\n");
    }

    @Test
    void aMultibootKernelThatSaysWhereItIsLoadedIsItsFlatBinary() {
        assertThat(text(multiboot(), multibootElf(0x10000, 0x100000, 0x100020)))
                .isEqualTo("id=kernel\nimage=kernel.bin\nboot=multiboot\nmemory=1048576\n");
    }

    @Test
    void aMultibootKernelWithoutAnEntryOrAHeaderIsAnError() {
        assertThatThrownBy(() -> text(multiboot(), multibootElf(0, 0x100000, 0x100000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("image kernel.elf is entered at its first byte, 0x100000, where its Multiboot header lies;"
                        + " define the global symbol _start, or give the guest an <entry>");
        assertThatThrownBy(() -> text(multiboot(), elf(0x100000, 0x100000, 0x100004)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("image kernel.elf has no Multiboot header (magic 0x1badb002)");
    }

    @Test
    void aMultiboot2KernelIsItsElfFileUnlessItSaysWhereItIsLoaded() {
        byte[] addresses = tag(2, 0x100000, 0x100000, 0, 0);
        byte[] entry = tag(3, 0x100020);

        assertThat(text(multiboot2(), multiboot2Elf(0x100018)))
                .isEqualTo("id=kernel\nimage=kernel.elf\nboot=multiboot2\nmemory=1048576\n");
        assertThat(text(multiboot2(), multiboot2Elf(0x100000, entry)))
                .isEqualTo("id=kernel\nimage=kernel.elf\nboot=multiboot2\nmemory=1048576\n");
        assertThat(text(multiboot2(), multiboot2Elf(0x100000, addresses, entry)))
                .isEqualTo("id=kernel\nimage=kernel.bin\nboot=multiboot2\nmemory=1048576\n");
    }

    @Test
    void aMultiboot2KernelWithoutAnEntryOrAHeaderIsAnError() {
        assertThatThrownBy(() -> text(multiboot2(), multiboot2Elf(0x100000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "image kernel.elf is entered at its first byte, 0x100000, where its Multiboot 2 header lies;"
                                + " define the global symbol _start, or give the guest an <entry>");
        assertThatThrownBy(() -> text(multiboot2(), elf(0x100000, 0x100000, 0x100004)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("image kernel.elf has no Multiboot 2 header (magic 0xe85250d6)");
    }

    private static GuestSpec multiboot2() {
        return spec(BootMode.MULTIBOOT2, OptionalLong.empty(), Optional.empty());
    }

    private static byte[] tag(int type, int... content) {
        int size = 8 + 4 * content.length;
        ByteBuffer tag = ByteBuffer.allocate(size + 7 & -8).order(ByteOrder.LITTLE_ENDIAN);
        tag.putInt(type).putInt(size).asIntBuffer().put(content);
        return tag.array();
    }

    /** A kernel at 1 MiB whose file, for what these tests look at, is only its header. */
    private static GuestImage multiboot2Elf(long entry, byte[]... tags) {
        int length = 24 + Stream.of(tags).mapToInt(tag -> tag.length).sum();
        ByteBuffer header = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0xE852_50D6).putInt(0).putInt(length).putInt(-(0xE852_50D6 + length));
        Stream.of(tags).forEach(header::put);
        header.putInt(0).putInt(8);
        return new GuestImage(
                "kernel.elf",
                GuestImage.Format.ELF32,
                List.of(new Segment(0x100000, 0x100000, header.array(), 0x100)),
                OptionalLong.of(entry),
                List.of(),
                header.array());
    }

    private static GuestSpec multiboot() {
        return spec(BootMode.MULTIBOOT, OptionalLong.empty(), Optional.empty());
    }

    /** A kernel whose file, for what these tests look at, is only its header. */
    private static GuestImage multibootElf(int flags, long address, long entry) {
        ByteBuffer header = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0x1BAD_B002).putInt(flags).putInt(-(0x1BAD_B002 + flags));
        return new GuestImage(
                "kernel.elf",
                GuestImage.Format.ELF32,
                List.of(new Segment(address, address, header.array(), 64)),
                OptionalLong.of(entry),
                List.of(),
                header.array());
    }

    @Test
    void anImageWithoutBytesIsAnError() {
        GuestImage elf = new GuestImage(
                "kernel.elf",
                GuestImage.Format.ELF32,
                List.of(new Segment(0x500, 0x500, new byte[0], 64)),
                OptionalLong.empty(),
                List.of());

        assertThatThrownBy(() -> Manifests.first(elf))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("image kernel.elf holds no bytes; do its sources have code,"
                        + " and does the linker script keep it?");
    }
}
