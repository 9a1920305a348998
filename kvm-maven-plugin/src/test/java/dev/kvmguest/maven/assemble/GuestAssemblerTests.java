package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.maven.toolchain.SystemPrograms;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.maven.toolchain.ToolchainException;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Builds with the host's gcc, which is quickly had; the invoker projects build with the pinned toolchain. */
class GuestAssemblerTests {

    private static Toolchain gcc;

    @TempDir
    Path temp;

    private Path basedir;
    private final List<String> compilerArgs = new ArrayList<>();
    private Optional<Path> linkerScript = Optional.empty();
    private BootMode boot = BootMode.PROTECTED;

    @BeforeAll
    static void findGcc() {
        try {
            gcc = SystemPrograms.ofPath(System.getenv()).gcc();
        } catch (ToolchainException e) {
            assumeTrue(false, e.getMessage());
        }
        assumeTrue(Set.of("amd64", "x86_64").contains(System.getProperty("os.arch")), "gcc -m32 is for x86 hosts");
    }

    @BeforeEach
    void writeSources() throws IOException {
        basedir = Files.createDirectory(temp.resolve("a project"));
        writeSources(basedir);
    }

    private static void writeSources(Path basedir) throws IOException {
        write(basedir, "src/kernel/start.S", """
                        .globl  _start
                _start: call    kernel_main
                        hlt
                        .data
                logo:   .incbin "logo.bin"
                """);
        write(basedir, "src/kernel/logo.bin", "LOGO");
        write(basedir, "src/kernel/lib/value.h", "#define VALUE 7\n");
        write(basedir, "src/kernel/main file.c", """
                #include "lib/value.h"
                const char *const built_from = __FILE__;
                int value = VALUE;
                void kernel_main(void) { value++; }
                """);
    }

    private static void write(Path basedir, String name, String text) throws IOException {
        Path file = basedir.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void write(String name, String text) throws IOException {
        write(basedir, name, text);
    }

    private GuestAssembler assembler(Path basedir) {
        return new GuestAssembler(basedir, basedir.resolve("target/kvm-guests"), basedir.resolve("target/classes"));
    }

    private GuestSpec spec(Path basedir, String id) throws IOException {
        return new GuestSpec(
                id,
                SourceTree.find(basedir.resolve("src/kernel")),
                linkerScript,
                boot,
                OptionalLong.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                compilerArgs,
                List.of(),
                List.of(),
                ToolchainKind.GCC,
                Architecture.of(boot),
                "",
                List.of());
    }

    private GuestAssembler.Result assemble() throws Exception {
        return assembler(basedir).assemble(spec(basedir, "kernel"), gcc);
    }

    private Path output(String name) {
        return basedir.resolve("target/classes/META-INF/kvm-guests/kernel").resolve(name);
    }

    private void assertBuilt() throws Exception {
        assertThat(assemble().upToDate()).isFalse();
        assertThat(assemble().upToDate()).isTrue();
    }

    @Test
    void multibootHeaderThatNoLoaderWouldFindIsWarnedOf() throws Exception {
        write("src/kernel/header.S", """
                        .section .multiboot, "a"
                        .balign 4
                        .long   0x1badb002, 0, -0x1badb002
                """);
        boot = BootMode.REAL;

        assertThat(assemble().warnings())
                .extracting(Diagnostic::text)
                .containsExactly("kernel.elf has a Multiboot header, but boot mode real, the default, enters it without"
                        + " a loader; if a Multiboot loader is to boot it, give the guest <boot>multiboot</boot>");

        write("src/kernel/header.S", "");
        assertThat(assemble().warnings()).isEmpty();
    }

    @Test
    void multiboot2HeaderThatNoLoaderWouldFindIsWarnedOf() throws Exception {
        write("src/kernel/header.S", """
                        .section .multiboot2, "a"
                        .balign 8
                        .long   0xe85250d6, 0, 24, 0x17adaf12, 0, 8
                """);
        boot = BootMode.REAL;

        assertThat(assemble().warnings())
                .extracting(Diagnostic::text)
                .containsExactly("kernel.elf has a Multiboot 2 header, but boot mode real, the default, enters it"
                        + " without a loader; if a Multiboot 2 loader is to boot it, give the guest"
                        + " <boot>multiboot2</boot>");
    }

    @Test
    void aGuestInAFolderWithABlankIsBuilt() throws Exception {
        GuestAssembler.Result result = assemble();

        assertThat(result.warnings()).isEmpty();
        assertThat(result.folder()).isEqualTo(output("").toAbsolutePath());
        try (Stream<Path> files = Files.list(result.folder())) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "kernel.elf", "kernel.bin", "kernel.map", "kernel.sym", "guest.properties");
        }
        GuestImage elf = GuestImage.read(output("kernel.elf"));
        assertThat(elf.physicalStart()).isEqualTo(0x1000);
        assertThat(Files.readAllLines(output("kernel.sym")))
                .contains("%08x T _start".formatted(elf.entry().orElseThrow()));
        assertThat(new String(Files.readAllBytes(output("kernel.bin")), "ISO-8859-1"))
                .contains("LOGO")
                .contains("src/kernel/main file.c\0");
        assertThat(output("kernel.map")).content().contains("obj/start.S.o").doesNotContain("target/kvm-guests");
    }

    @Test
    void twoFoldersGiveTheSameBytes() throws Exception {
        Path other = Files.createDirectories(temp.resolve("another/place"));
        writeSources(other);

        assemble();
        assembler(other).assemble(spec(other, "kernel"), gcc);

        Map<String, String> here = contents(basedir);
        assertThat(here).hasSize(5);
        assertThat(contents(other)).isEqualTo(here);
        assertThat(here.get("kernel.elf")).contains(".debug_line");
    }

    @Test
    void aLinkToTheProjectGivesTheSameBytes() throws Exception {
        Path link = Files.createSymbolicLink(temp.resolve("link"), basedir);

        assemble();
        Map<String, String> here = contents(basedir);
        assertThat(assembler(link).assemble(spec(link, "kernel"), gcc).upToDate())
                .isTrue();
        Files.delete(output("kernel.bin"));
        assertThat(assembler(link).assemble(spec(link, "kernel"), gcc).upToDate())
                .isFalse();

        assertThat(contents(basedir)).isEqualTo(here);
    }

    private static Map<String, String> contents(Path basedir) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(basedir.resolve("target/classes/META-INF/kvm-guests/kernel"))) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), new String(Files.readAllBytes(file), "ISO-8859-1"));
            }
        }
        return contents;
    }

    @Test
    void withoutAGlobalStartTheFirstByteIsTheEntry() throws Exception {
        for (String start : List.of("first: nop\n_start: hlt\n", "nop\n.globl _start, other\nother: _start: hlt\n")) {
            Files.deleteIfExists(basedir.resolve("src/kernel/main file.c"));
            write("src/kernel/start.S", start);

            assertThat(assemble().warnings()).isEmpty();

            assertThat(GuestImage.read(output("kernel.elf")).entry())
                    .hasValue(start.contains(".globl") ? 0x1001 : 0x1000);
        }
    }

    @Test
    void nothingIsDoneTwice() throws Exception {
        assertBuilt();
    }

    @Test
    void whatAGuestIsBuiltFromBuildsItAgain() throws Exception {
        assertBuilt();
        write("src/kernel/start.S", "_start: .globl _start\n hlt\n");
        assertBuilt();
        write("src/kernel/lib/value.h", "#define VALUE 8\n");
        assertBuilt();
        write("src/kernel/start.S", "_start: .globl _start\n hlt\n .incbin \"logo.bin\"\n");
        assertBuilt();
        write("src/kernel/logo.bin", "another logo");
        assertBuilt();
        compilerArgs.add("-O1");
        assertBuilt();
        write("src/kernel/more.c", "int more = 1;\n");
        assertBuilt();
        write("kernel.ld", "ENTRY(_start)\nSECTIONS { . = 0x8000; .all : { *(.text) *(.data) *(.rodata*) } }\n");
        linkerScript = Optional.of(basedir.resolve("kernel.ld"));
        assertBuilt();
        write("kernel.ld", "ENTRY(_start)\nSECTIONS { . = 0x9000; .all : { *(.text) *(.data) *(.rodata*) } }\n");
        assertBuilt();
        assertThat(GuestImage.read(output("kernel.elf")).physicalStart()).isEqualTo(0x9000);
    }

    @Test
    void aTouchedFileWithTheSameContentsBuildsNothing() throws Exception {
        assertBuilt();

        write("src/kernel/logo.bin", "LOGO");

        assertThat(assemble().upToDate()).isTrue();
    }

    @Test
    void anOutputThatIsMissingOrAlteredIsBuiltAgain() throws Exception {
        assertBuilt();
        byte[] elf = Files.readAllBytes(output("kernel.elf"));
        for (String name : List.of("kernel.elf", "kernel.bin", "kernel.map", "kernel.sym", "guest.properties")) {
            Files.delete(output(name));
            assertBuilt();
            Files.writeString(output(name), "altered");
            assertBuilt();
        }
        assertThat(output("kernel.elf")).hasBinaryContent(elf);
    }

    @Test
    void anotherToolchainBuildsAgain() throws Exception {
        assertBuilt();

        Toolchain upgraded = new Toolchain(
                gcc.kind(), gcc.identity() + "upgraded", gcc.compilers(), gcc.linker(), gcc.objcopy(), gcc.nm());

        assertThat(assembler(basedir)
                        .assemble(spec(basedir, "kernel"), upgraded)
                        .upToDate())
                .isFalse();
    }

    @Test
    void objectsOfRemovedSourcesDoNotLinger() throws Exception {
        write("src/kernel/more.c", "int more = 1;\n");
        assemble();
        assertThat(output("kernel.sym")).content().contains("more");
        assertThat(basedir.resolve("target/kvm-guests/kernel/obj/more.c.o")).exists();

        Files.delete(basedir.resolve("src/kernel/more.c"));
        assemble();

        assertThat(output("kernel.sym")).content().doesNotContain("more");
        assertThat(basedir.resolve("target/kvm-guests/kernel/obj/more.c.o")).doesNotExist();
    }

    @Test
    void errorsNameTheirPlaceAndLeaveNoOldGuestBehind() throws Exception {
        assemble();
        write("src/kernel/main file.c", "int kernel_main(void)\n{\n    return missing;\n}\n");

        GuestBuildException failure = catchThrowableOfType(GuestBuildException.class, this::assemble);

        assertThat(failure)
                .hasMessageStartingWith("1 error in src/kernel/main file.c:3: ")
                .hasMessageContaining("missing");
        assertThat(failure.diagnostics()).filteredOn(Diagnostic::isError).hasSize(1);
        assertThat(output("")).doesNotExist();
        writeSources(basedir);
        assertBuilt();
    }

    @Test
    void anUndefinedSymbolIsReportedWhereItIsUsed() throws Exception {
        Files.delete(basedir.resolve("src/kernel/main file.c"));

        assertThatThrownBy(this::assemble)
                .isInstanceOf(GuestBuildException.class)
                .hasMessage("1 error in src/kernel/start.S:2: undefined reference to `kernel_main'");
    }

    @Test
    void warningsComeBackWithTheirPlace() throws Exception {
        write("src/kernel/careless.c", "void careless(void)\n{\n    int never_used;\n}\n");

        assertThat(assemble().warnings()).singleElement().satisfies(warning -> assertThat(warning.summary())
                .startsWith("src/kernel/careless.c:3: ")
                .contains("never_used"));
    }

    @Test
    void anImageWithAHoleIsRefusedBeforeItFillsTheDisk() throws Exception {
        write("kernel.ld", "SECTIONS { . = 0x1000; .text : { *(.text) } . = 0x80000000; .data : { *(.data) } }\n");
        linkerScript = Optional.of(basedir.resolve("kernel.ld"));

        assertThatThrownBy(this::assemble)
                .isInstanceOf(GuestBuildException.class)
                .hasMessageMatching("the linked image kernel.elf spans \\d+ bytes of physical memory, from 0x1000 to"
                        + " 0x8000[0-9a-f]{4}; give the sections that the linker script puts high a physical address"
                        + " with AT\\(...\\)");
    }

    @Test
    void onlyWhatWasBuiltIsRemovedWithAGuest() throws Exception {
        assembler(basedir).assemble(spec(basedir, "kernel"), gcc);
        assembler(basedir).assemble(spec(basedir, "former"), gcc);
        Path guests = basedir.resolve("target/classes/META-INF/kvm-guests");
        write("target/classes/META-INF/kvm-guests/resource/guest.properties", "id=resource");
        write("target/classes/META-INF/kvm-guests/former/notes.txt", "not built");

        assertThat(assembler(basedir).removeOthers(Set.of("kernel"))).containsExactly("former");

        assertThat(guests.resolve("kernel/kernel.elf")).exists();
        assertThat(guests.resolve("resource/guest.properties")).exists();
        assertThat(guests.resolve("former")).isDirectoryContaining("glob:**/notes.txt");
        try (Stream<Path> left = Files.list(guests.resolve("former"))) {
            assertThat(left).hasSize(1);
        }
        assertThat(assembler(basedir).removeOthers(Set.of("kernel"))).isEmpty();
    }
}
