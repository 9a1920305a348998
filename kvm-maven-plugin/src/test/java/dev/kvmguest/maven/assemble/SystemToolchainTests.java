package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.maven.toolchain.PinnedToolchain;
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
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Builds with each of the toolchains that a host may have; one that this host lacks is skipped with its reason. */
class SystemToolchainTests {

    private static final String GNU_SOURCE = """
                    .code16
                    .globl  _start
                    hlt
            _start: movb    $0x41, %al
                    outb    %al, $0xe9
                    .incbin "tail.bin"
            """;

    private static final String NASM_SOURCE = """
                    bits    16
                    global  _start
                    %include "letter.inc"
                    hlt
            _start: mov     al, LETTER
                    out     0xe9, al
                    incbin  "tail.bin"
            """;

    private static final byte[] BINARY = {(byte) 0xf4, (byte) 0xb0, 0x41, (byte) 0xe6, (byte) 0xe9, 't', 'a', 'i', 'l'};

    @TempDir
    Path basedir;

    /** Gets a toolchain from this host. */
    @FunctionalInterface
    private interface Installed {

        Toolchain find(SystemPrograms programs) throws ToolchainException, IOException;
    }

    private static Toolchain find(Installed installed) throws Exception {
        assumeTrue(List.of("amd64", "x86_64").contains(System.getProperty("os.arch")), "an x86 host");
        try {
            return installed.find(SystemPrograms.ofPath(System.getenv()));
        } catch (ToolchainException e) {
            assumeTrue(false, e.getMessage());
            throw new AssertionError(e);
        }
    }

    private void buildsTheGuest(ToolchainKind kind, String file, String source, Installed installed) throws Exception {
        Toolchain toolchain = find(installed);
        Files.writeString(basedir.resolve("tail.bin"), "tail");
        Files.writeString(basedir.resolve("letter.inc"), "%define LETTER 0x41\n");
        Files.writeString(basedir.resolve(file), source);
        GuestSpec spec = new GuestSpec(
                "guest",
                SourceTree.find(basedir.resolve(file)),
                Optional.empty(),
                BootMode.REAL,
                OptionalLong.of(0x7c00),
                Optional.empty(),
                OptionalLong.empty(),
                List.of(),
                List.of(),
                List.of(),
                kind,
                Architecture.I386,
                "",
                List.of());
        GuestAssembler assembler =
                new GuestAssembler(basedir, basedir.resolve("target/work"), basedir.resolve("target/classes"));

        GuestAssembler.Result result = assembler.assemble(spec, toolchain);

        assertThat(result.warnings()).isEmpty();
        assertThat(result.manifest().toText())
                .isEqualTo("id=guest\nimage=guest.bin\nboot=real\nload=0x7c00\nentry=0x7c01\n");
        assertThat(result.folder().resolve("guest.bin")).hasBinaryContent(BINARY);
        Path elf = result.folder().resolve("guest.elf");
        assertThat(new String(Files.readAllBytes(elf), "ISO-8859-1")).doesNotContain(basedir.toString());
        assertThat(GuestImage.read(elf).sourceAt(0x7c01))
                .hasValueSatisfying(line -> assertThat(line).startsWith(file + ":"));

        Files.writeString(basedir.resolve("tail.bin"), "TAIL");
        assertThat(assembler.assemble(spec, toolchain).upToDate())
                .as("what is included is known")
                .isFalse();
    }

    @Test
    void gcc() throws Exception {
        buildsTheGuest(ToolchainKind.GCC, "boot.S", GNU_SOURCE, SystemPrograms::gcc);
    }

    @Test
    void gccWithoutPreprocessing() throws Exception {
        buildsTheGuest(ToolchainKind.GCC, "boot.s", GNU_SOURCE, SystemPrograms::gcc);
    }

    @Test
    void clang() throws Exception {
        buildsTheGuest(ToolchainKind.CLANG, "boot.S", GNU_SOURCE, SystemPrograms::clang);
    }

    @Test
    void nasmWithTheLinkerOfGcc() throws Exception {
        buildsTheGuest(
                ToolchainKind.GCC, "boot.asm", NASM_SOURCE, programs -> programs.withNasm(programs.gcc(), "boot.asm"));
    }

    @Test
    void nasmWithThePinnedLinker() throws Exception {
        buildsTheGuest(
                ToolchainKind.LLVM,
                "boot.nasm",
                NASM_SOURCE,
                programs -> programs.withNasm(PinnedToolchain.find(), "boot.nasm"));
    }

    @Test
    void nasmBesideC() throws Exception {
        Toolchain toolchain = find(programs -> programs.withNasm(PinnedToolchain.find(), "boot.asm"));
        Path sources = Files.createDirectories(basedir.resolve("src/low/deep")).getParent();
        Files.writeString(sources.resolve("boot.asm"), """
                global  _start
                extern  kernel_main
                %include "deep/stack.asm"
                _start: mov     esp, STACK
                        call    kernel_main
                        hlt
                """);
        Files.writeString(sources.resolve("deep/stack.asm"), "%include \"value.inc\"\n");
        Files.writeString(sources.resolve("deep/value.inc"), "STACK equ 0x9000\n");
        Files.writeString(sources.resolve("main.c"), "void kernel_main(void);\nvoid kernel_main(void) {}\n");
        GuestSpec spec = new GuestSpec(
                "guest",
                SourceTree.find(sources),
                Optional.empty(),
                BootMode.PROTECTED,
                OptionalLong.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                // Not one of nasm's.
                List.of("-funroll-loops"),
                List.of(),
                List.of(sources.resolve("deep")),
                ToolchainKind.LLVM,
                Architecture.I386,
                "",
                List.of());
        GuestAssembler assembler =
                new GuestAssembler(basedir, basedir.resolve("target/work"), basedir.resolve("target/classes"));

        GuestAssembler.Result result = assembler.assemble(spec, toolchain);

        GuestImage elf = GuestImage.read(result.folder().resolve("guest.elf"));
        assertThat(result.warnings()).isEmpty();
        assertThat(elf.sourceAt(elf.entry().orElseThrow())).hasValue("src/low/boot.asm:4");
        assertThat(elf.symbols()).extracting(GuestImage.Symbol::name).contains("_start", "kernel_main");
        assertThat(assembler.assemble(spec, toolchain).upToDate()).isTrue();

        Files.writeString(sources.resolve("deep/value.inc"), "STACK equ 0xa000\n");
        assertThat(assembler.assemble(spec, toolchain).upToDate())
                .as("what an included file includes is known")
                .isFalse();
    }
}
