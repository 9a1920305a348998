package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.maven.toolchain.SystemPrograms;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.maven.toolchain.ToolchainException;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.config.BootMode;
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

        Toolchain find(SystemPrograms programs) throws ToolchainException;
    }

    private void buildsTheGuest(ToolchainKind kind, String file, String source, Installed installed) throws Exception {
        assumeTrue(List.of("amd64", "x86_64").contains(System.getProperty("os.arch")), "an x86 host");
        Toolchain toolchain;
        try {
            toolchain = installed.find(SystemPrograms.ofPath(System.getenv()));
        } catch (ToolchainException e) {
            assumeTrue(false, e.getMessage());
            return;
        }
        Files.writeString(basedir.resolve("tail.bin"), "tail");
        Files.writeString(basedir.resolve("letter.inc"), "%define LETTER 0x41\n");
        Files.writeString(basedir.resolve(file), source);
        GuestSpec spec = new GuestSpec(
                "guest",
                SourceTree.find(basedir.resolve(file), kind),
                Optional.empty(),
                BootMode.REAL,
                OptionalLong.of(0x7c00),
                Optional.empty(),
                OptionalLong.empty(),
                List.of(),
                List.of(),
                List.of(),
                kind,
                "",
                List.of());
        GuestAssembler assembler =
                new GuestAssembler(basedir, basedir.resolve("target/work"), basedir.resolve("target/classes"));

        GuestAssembler.Result result = assembler.assemble(spec, toolchain);

        assertThat(result.warnings()).isEmpty();
        assertThat(result.manifest().toText())
                .isEqualTo("id=guest\nimage=guest.bin\nboot=real\nload=0x7c00\nentry=0x7c01\n");
        assertThat(result.folder().resolve("guest.bin")).hasBinaryContent(BINARY);
        assertThat(new String(Files.readAllBytes(result.folder().resolve("guest.elf")), "ISO-8859-1"))
                .doesNotContain(basedir.toString());

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
        buildsTheGuest(ToolchainKind.NASM, "boot.asm", NASM_SOURCE, programs -> programs.nasm(programs.gcc()));
    }
}
