package dev.kvmguest.maven.toolchain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SystemProgramsTests {

    @TempDir
    Path bin;

    private void install(String... programs) throws IOException {
        for (String program : programs) {
            Path file = Files.writeString(bin.resolve(program), program);
            assertThat(file.toFile().setExecutable(true)).isTrue();
        }
    }

    private SystemPrograms programs() {
        return new SystemPrograms(List.of(bin));
    }

    private String in(String program) {
        return bin.resolve(program).toString();
    }

    @Test
    void gccComesWithTheGnuBinaryTools() throws Exception {
        install("gcc", "ld", "objcopy", "nm");

        Toolchain gcc = programs().gcc();

        assertThat(gcc.compilerFor("main.c").orElseThrow().command(Target.I386))
                .startsWith(in("gcc"), "-m32", "-march=i686", "-mno-sse");
        assertThat(gcc.compilerFor("main.c").orElseThrow().command(Target.X86_64))
                .startsWith(in("gcc"), "-m64", "-march=x86-64", "-mcmodel=small", "-mno-red-zone")
                .contains("-mno-sse", "-mno-mmx", "-mno-80387", "-ffreestanding");
        assertThat(gcc.linker()).containsExactly(in("ld"));
        assertThat(gcc.objcopy()).containsExactly(in("objcopy"));
        assertThat(gcc.nm()).containsExactly(in("nm"));
    }

    @Test
    void aMissingProgramIsNamedWithItsPackage() throws Exception {
        install("gcc", "ld");

        assertThatThrownBy(() -> programs().gcc())
                .isInstanceOf(ToolchainException.class)
                .hasMessage("toolchain gcc: the program objcopy is not on the PATH; install the package binutils"
                        + " (Debian, Ubuntu and Fedora call it so),"
                        + " or leave <toolchain> out to use the pinned llvm");
        assertThatThrownBy(() -> programs().clang()).hasMessageContaining("install the package clang ");
        install("clang");
        assertThatThrownBy(() -> programs().clang())
                .hasMessageContaining("the program ld.lld is not on the PATH; install the package lld ");
    }

    @Test
    void aFileThatIsNotExecutableIsNoProgram() throws Exception {
        install("ld", "objcopy", "nm");
        Files.writeString(bin.resolve("gcc"), "");

        assertThatThrownBy(() -> programs().gcc()).hasMessageContaining("install the package gcc ");
    }

    @Test
    void clangTakesTheGnuBinaryToolsWhereLlvmsAreMissing() throws Exception {
        install("clang", "ld.lld", "objcopy", "nm", "llvm-nm");

        Toolchain clang = programs().clang();

        assertThat(clang.objcopy()).containsExactly(in("objcopy"));
        assertThat(clang.nm()).containsExactly(in("llvm-nm"));
        assertThat(clang.compilerFor("main.c").orElseThrow().command(Target.I386))
                .contains("--target=i386-unknown-none-elf");
        assertThat(clang.compilerFor("main.c").orElseThrow().command(Target.X86_64_EITHER_END))
                .contains("--target=x86_64-unknown-none-elf", "-mcmodel=kernel", "-mno-red-zone");
    }

    @Test
    void nasmStandsBesideAnyToolchain() throws Exception {
        install("gcc", "ld", "objcopy", "nm", "nasm");
        Toolchain rest = programs().gcc();

        Toolchain nasm = programs().withNasm(rest, "boot.asm");

        assertThat(nasm.kind()).isEqualTo(ToolchainKind.GCC);
        assertThat(nasm.compilerFor("boot.asm").orElseThrow().command(Target.I386))
                .startsWith(in("nasm"), "-f", "elf32");
        assertThat(nasm.compilerFor("boot.nasm")).isEqualTo(nasm.compilerFor("boot.asm"));
        assertThat(nasm.compilerFor("main.c")).isEqualTo(rest.compilerFor("main.c"));
        assertThat(nasm.linker()).isEqualTo(rest.linker());
        assertThat(nasm.identity()).contains(rest.identity()).contains(in("nasm"));
    }

    @Test
    void nasmIsAskedForOnlyIfASourceNeedsIt() throws Exception {
        install("gcc", "ld", "objcopy", "nm");
        Toolchains toolchains = new Toolchains(() -> programs().gcc(), programs());

        assertThat(toolchains.get(ToolchainKind.GCC, Optional.empty()).compilerFor("boot.asm"))
                .isEmpty();
        assertThat(toolchains.get(ToolchainKind.NASM, Optional.empty()).kind()).isEqualTo(ToolchainKind.NASM);
        for (ToolchainKind kind : List.of(ToolchainKind.LLVM, ToolchainKind.GCC, ToolchainKind.NASM)) {
            assertThatThrownBy(() -> toolchains.get(kind, Optional.of("lib/boot.asm")))
                    .isInstanceOf(ToolchainException.class)
                    .hasMessage("lib/boot.asm is for nasm, and the program nasm is not on the PATH; install the package"
                            + " nasm (Debian, Ubuntu and Fedora call it so)");
        }

        install("nasm");
        assertThat(toolchains.get(ToolchainKind.NASM, Optional.of("boot.asm")).kind())
                .isEqualTo(ToolchainKind.NASM);
    }

    @Test
    void anUpgradedProgramChangesTheIdentity() throws Exception {
        install("gcc", "ld", "objcopy", "nm");
        String before = programs().gcc().identity();

        Files.writeString(bin.resolve("ld"), "a newer ld");

        assertThat(programs().gcc().identity()).isNotEqualTo(before);
    }

    @Test
    void theFirstFolderOfThePathWins() throws Exception {
        install("gcc", "ld", "objcopy", "nm");
        Path other = Files.createDirectory(bin.resolve("other"));

        SystemPrograms programs = SystemPrograms.ofPath(
                Map.of("PATH", String.join(File.pathSeparator, other.toString(), bin.toString())));
        Files.copy(bin.resolve("ld"), other.resolve("ld"), StandardCopyOption.COPY_ATTRIBUTES);

        assertThat(programs.gcc().linker()).containsExactly(other.resolve("ld").toString());
        assertThat(programs.gcc().nm()).containsExactly(in("nm"));
    }

    @Test
    void thePinnedToolchainIsNotFetchedForAGuestOfTheSystems() throws Exception {
        install("gcc", "ld", "objcopy", "nm");
        Toolchains toolchains = new Toolchains(
                () -> {
                    throw new ToolchainException("fetched");
                },
                programs());

        assertThat(toolchains.get(ToolchainKind.GCC, Optional.empty()).kind()).isEqualTo(ToolchainKind.GCC);
        assertThat(toolchains.get(ToolchainKind.GCC, Optional.empty()))
                .isSameAs(toolchains.get(ToolchainKind.GCC, Optional.empty()));
        assertThatThrownBy(() -> toolchains.get(ToolchainKind.LLVM, Optional.empty()))
                .hasMessage("fetched");
    }
}
