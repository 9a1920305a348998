package dev.kvmguest.vmm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GuestManifestTests {

    /** A line table of DWARF 2: {@code hello.S:1} at address 0, {@code hello.S:2} at 1, the end at 2. */
    private static final byte[] LINES = {
        47,
        0,
        0,
        0,
        2,
        0, // the length of what follows, version 2
        27,
        0,
        0,
        0,
        1,
        1,
        0,
        2,
        10, // the header's length; steps of 1 byte, lines of 0 or 1, opcodes up to 9
        0,
        1,
        1,
        1,
        1,
        0,
        0,
        0,
        1, // their operands
        0,
        'h',
        'e',
        'l',
        'l',
        'o',
        '.',
        'S',
        0,
        0,
        0,
        0,
        0, // no directory, one file
        0,
        5,
        2,
        0,
        0,
        0,
        0, // set_address 0
        1,
        13, // a row; another, one byte and one line on
        2,
        1,
        0,
        1,
        1 // advance_pc 1, end_sequence
    };

    private static final GuestManifest FULL = new GuestManifest(
            "kernel",
            "kernel.elf",
            BootMode.PAGED_4K,
            OptionalLong.of(0x1000),
            Optional.of(EntryPoint.linear(0x8000_1000L)),
            OptionalLong.of(32 << 20),
            "",
            List.of());

    private static final GuestManifest SMALL = new GuestManifest(
            "hello",
            "hello.bin",
            BootMode.REAL,
            OptionalLong.empty(),
            Optional.empty(),
            OptionalLong.empty(),
            "",
            List.of());

    private static final GuestManifest MULTIBOOT = new GuestManifest(
            "kernel",
            "kernel.elf",
            BootMode.MULTIBOOT,
            OptionalLong.empty(),
            Optional.empty(),
            OptionalLong.empty(),
            " a=\\b  c:d\te\nf ",
            List.of("initrd.img", "fonts"));

    private static final GuestManifest COPY = new GuestManifest(
            "kernel",
            "kernel.elf",
            BootMode.PROTECTED,
            OptionalLong.empty(),
            Optional.empty(),
            OptionalLong.empty(),
            "",
            List.of(),
            Optional.of("build dir/kernel.elf"),
            Architecture.I386);

    @Test
    void textHasOneKeyALineInAFixedOrder() {
        assertThat(FULL.toText()).isEqualTo("""
                        id=kernel
                        image=kernel.elf
                        boot=paged-4k
                        load=0x1000
                        entry=0x80001000
                        memory=33554432
                        """);
    }

    @ParameterizedTest
    @CsvSource({"LONG, X86_64", "MULTIBOOT, X86_64", "MULTIBOOT, I386"})
    void textSaysWhatIsNot32Bit(BootMode boot, Architecture arch) {
        GuestManifest manifest = new GuestManifest(
                "kernel",
                "kernel.elf",
                boot,
                OptionalLong.empty(),
                Optional.of(EntryPoint.linear(0xffff_ffff_8010_0000L)),
                OptionalLong.empty(),
                "",
                List.of(),
                Optional.empty(),
                arch);

        assertThat(manifest.toText().contains("arch=x86_64\n")).isEqualTo(arch == Architecture.X86_64);
        assertThat(GuestManifest.parse(manifest.toText(), "text")).isEqualTo(manifest);
    }

    @Test
    void missingArchitectureIsThatOfTheBootMode() {
        assertThat(GuestManifest.parse("id=a\nimage=a.bin\nboot=long\n", "text").arch())
                .isEqualTo(Architecture.X86_64);
        assertThat(GuestManifest.parse("id=a\nimage=a.bin\nboot=real\n", "text").arch())
                .isEqualTo(Architecture.I386);
    }

    @Test
    void textHasCommandLineAndModules() {
        assertThat(MULTIBOOT.toText()).isEqualTo("""
                        id=kernel
                        image=kernel.elf
                        boot=multiboot
                        commandLine=\\ a=\\\\b  c:d\\te\\nf\s
                        modules=initrd.img,fonts
                        """);
    }

    @Test
    void vcpuGetsTheManifestsCommandLineAndModules(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("guest.properties"), MULTIBOOT.toText());
        Files.write(folder.resolve("kernel.elf"), new byte[] {(byte) 0xf4});
        Files.write(folder.resolve("initrd.img"), new byte[] {1, 2});
        Files.write(folder.resolve("fonts"), new byte[0]);

        VcpuConfig config = VcpuConfig.of(GuestManifest.read(folder));

        assertThat(config.commandLine()).isEqualTo(MULTIBOOT.commandLine());
        assertThat(config.modules()).extracting(BootModule::commandLine).containsExactly("initrd.img", "fonts");
        assertThat(config.modules().get(0).bytes()).containsExactly(1, 2);
    }

    @Test
    void textLeavesOutWhatIsDefault() {
        assertThat(SMALL.toText()).isEqualTo("""
                        id=hello
                        image=hello.bin
                        boot=real
                        """);
    }

    @Test
    void copiesOfFilesSayWhichFilesTheseAre(@TempDir Path project) throws IOException {
        Path folder = Files.createDirectories(project.resolve("target/classes/META-INF/kvm-guests/kernel"));
        Files.writeString(folder.resolve("guest.properties"), COPY.toText());
        Path manifest = folder.resolve("guest.properties");

        assertThat(COPY.toText()).endsWith("origin=build dir/kernel.elf\n");
        assertThat(GuestManifest.read(folder).files()).containsExactly(manifest);
        Path origin = project.resolve("build dir/kernel.elf");
        Files.createDirectories(origin.getParent());
        Files.write(origin, new byte[1]);
        assertThat(GuestManifest.read(folder).files()).containsExactly(origin, manifest);
    }

    @Test
    void copyKnowsThatItsFileWasBuiltAgain(@TempDir Path project) throws IOException {
        Path folder = Files.createDirectories(project.resolve("target/classes/META-INF/kvm-guests/kernel"));
        Files.writeString(folder.resolve("guest.properties"), COPY.toText());
        Files.write(folder.resolve("kernel.elf"), new byte[] {1});
        Path origin = Files.createDirectory(project.resolve("build dir")).resolve("kernel.elf");

        assertThat(GuestManifest.read(folder).newerOrigin()).isEmpty();
        Files.write(origin, new byte[] {1});
        assertThat(GuestManifest.read(folder).newerOrigin()).isEmpty();
        Files.write(origin, new byte[] {2});
        assertThat(GuestManifest.read(folder).newerOrigin()).hasValue(origin);
    }

    static Stream<GuestManifest> manifests() {
        return Stream.of(
                COPY,
                FULL,
                SMALL,
                MULTIBOOT,
                new GuestManifest(
                        "a.B_c-1",
                        "a-b_c.1.bin",
                        BootMode.REAL,
                        OptionalLong.empty(),
                        Optional.of(EntryPoint.segmented(0x1000, 0x20)),
                        OptionalLong.empty(),
                        "",
                        List.of()));
    }

    @ParameterizedTest
    @MethodSource("manifests")
    void textIsWhatParseReads(GuestManifest manifest) {
        assertThat(GuestManifest.parse(manifest.toText(), "here")).isEqualTo(manifest);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "../kernel.elf", "sub/kernel.elf", "http://example.org/x", "a#b", "a?b", ".hidden"})
    void imageIsThePlainNameOfAFileBesideTheManifest(String image) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GuestManifest(
                        "a",
                        image,
                        BootMode.REAL,
                        OptionalLong.empty(),
                        Optional.empty(),
                        OptionalLong.empty(),
                        "",
                        List.of()))
                .withMessage("image \"" + image
                        + "\" must be the plain name of a file beside the manifest: letters, digits, '.', '_' and '-'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GuestManifest(
                        "a",
                        "a.elf",
                        BootMode.MULTIBOOT,
                        OptionalLong.empty(),
                        Optional.empty(),
                        OptionalLong.empty(),
                        "",
                        List.of(image)))
                .withMessage("module \"" + image
                        + "\" must be the plain name of a file beside the manifest: letters, digits, '.', '_' and '-'");
    }

    @Test
    void textMayHaveCommentsSpacesAndCarriageReturns() {
        assertThat(GuestManifest.parse("# mine\r\nid = hello \r\nimage: hello.bin\r\n\r\nboot real\r\n", "here"))
                .isEqualTo(SMALL);
    }

    static Stream<Arguments> malformedTexts() {
        return Stream.of(
                arguments("id=a\nimage=b\nboot=real\nlaod=0x1000\n", "key \"laod\" is unknown"),
                arguments("image=b\nboot=real\n", "key \"id\" is missing"),
                arguments("id=a\nimage= \nboot=real\n", "key \"image\" is missing"),
                arguments("id=a\nimage=b\n", "key \"boot\" is missing"),
                arguments("", "key \"id\" is missing"),
                arguments(
                        "id=a\nimage=b\nboot=flat\n",
                        "boot mode \"flat\" is unknown; use one of real, protected, paged, paged-4k, long, multiboot, multiboot2, limine, pvh, linux"),
                arguments(
                        "id=a\nimage=b\nboot=real\nload=here\n",
                        "load \"here\" is not a number; write it as 0x1000 or 4096"),
                arguments(
                        "id=a\nimage=b\nboot=real\nmemory=16M\n",
                        "memory \"16M\" is not a number; write it as 0x1000 or 4096"),
                arguments(
                        "id=a\nimage=b\nboot=real\nentry=main\n",
                        "entry \"main\" is not a number; write it as 0x1000 or 4096"),
                arguments(
                        "id=a/b\nimage=b\nboot=real\n",
                        "guest id \"a/b\" may only have letters, digits, '.', '_'"
                                + " and '-', and starts with one of the first two"),
                arguments("id=a\nimage=b\nboot=real\\u12\n", "Malformed \\uxxxx encoding."));
    }

    @ParameterizedTest
    @MethodSource("malformedTexts")
    void malformedTextIsNamedWithItsSource(String text, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestManifest.parse(text, "guest.properties"))
                .withMessage("guest.properties: " + message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "-a", "_a", "a/b", "a\\b", "a b", "a:b", "\u00e4", "a\n"})
    void idThatCannotNameAFolderIsRefused(String id) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestManifest.folder(id))
                .withMessage("guest id \"" + id + "\" may only have letters, digits, '.', '_' and '-', and starts"
                        + " with one of the first two");
    }

    @Test
    void folderIsBelowTheRoot() {
        assertThat(GuestManifest.folder("kernel")).isEqualTo("META-INF/kvm-guests/kernel/");
    }

    @Test
    void folderIsReadWithItsImage(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("guest.properties"), SMALL.toText());
        Files.write(folder.resolve("hello.bin"), new byte[] {(byte) 0xf4});

        GuestManifest.Located located = GuestManifest.read(folder);

        assertThat(located.manifest()).isEqualTo(SMALL);
        assertThat(located.image().name()).isEqualTo("hello");
        assertThat(located.image().segments().get(0).data()).containsExactly(0xf4);
    }

    @Test
    void flatImageHasSymbolsLinesAndBssOfTheElfFileBesideIt(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("guest.properties"), SMALL.toText());
        Files.write(folder.resolve("hello.bin"), new byte[] {(byte) 0xfa, (byte) 0xf4});
        Files.write(
                folder.resolve("hello.elf"),
                new ElfBuilder()
                        .load(0x1000, 0, 0x20, 0xfa, 0xf4)
                        .symbol("start", 0, 0, 0)
                        .loadedSection(".text", 0, 2)
                        .section(".debug_line", 0, LINES)
                        .build());

        GuestImage image = GuestManifest.read(folder).image();

        assertThat(image.format()).isEqualTo(GuestImage.Format.FLAT);
        assertThat(image.entry()).isEmpty();
        assertThat(image.symbols()).extracting(GuestImage.Symbol::name).containsExactly("start");
        assertThat(image.symbolWithOffset(1)).hasValue("start+0x1");
        assertThat(image.sourceAt(1)).hasValue("hello.S:2");
        assertThat(image.movedTo(0x7c00).sourceAt(1)).hasValue("hello.S:2");
        assertThat(image.movedTo(0x7c00).physicalEnd()).isEqualTo(0x7c20);
        assertThat(image.segments().get(0).data()).containsExactly(0xfa, 0xf4);
    }

    @Test
    void elfFileThatIsNotTheFlatImagesOrIsDamagedChangesNothing(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("guest.properties"), SMALL.toText());
        Files.write(folder.resolve("hello.bin"), new byte[] {(byte) 0xfa, (byte) 0xf4});
        byte[] otherCode = new ElfBuilder().load(0x1000, 0, 0x20, 0xfb, 0xf4).build();
        byte[] moreCode =
                new ElfBuilder().load(0x1000, 0, 0x20, 0xfa, 0xf4, 0xf4).build();

        for (byte[] elf : List.of(otherCode, moreCode, new byte[] {0x7f, 'E', 'L', 'F'}, new byte[] {1})) {
            Files.write(folder.resolve("hello.elf"), elf);

            assertThat(GuestManifest.read(folder).image().physicalEnd()).isEqualTo(2);
        }
    }

    @Test
    void folderWithoutAManifestIsNamed(@TempDir Path folder) {
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> GuestManifest.read(folder))
                .withMessageContaining(folder.resolve("guest.properties").toString());
    }

    @Test
    void manifestOfAFolderIsNamedInErrors(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("guest.properties"), "id=a\n");

        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestManifest.read(folder))
                .withMessage(file + ": key \"image\" is missing");
    }

    @Test
    void vcpuRunsWhatTheManifestSays(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("guest.properties"), FULL.toText());
        Files.write(folder.resolve("kernel.elf"), new byte[] {(byte) 0xf4});

        VcpuConfig config = VcpuConfig.of(GuestManifest.read(folder));

        assertThat(config.image().name()).isEqualTo("kernel");
        assertThat(config.boot()).isEqualTo(BootMode.PAGED_4K);
        assertThat(config.load()).hasValue(0x1000);
        assertThat(config.entry()).contains(EntryPoint.linear(0x8000_1000L));
        assertThat(config.input()).isEmpty();
    }
}
