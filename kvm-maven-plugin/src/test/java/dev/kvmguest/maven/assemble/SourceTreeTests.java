package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SourceTreeTests {

    @TempDir
    Path folder;

    private void write(String... names) throws IOException {
        for (String name : names) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.writeString(file, "");
        }
    }

    private List<String> found() throws IOException {
        return SourceTree.find(folder).files().stream()
                .map(file -> RelativePaths.of(folder, file))
                .toList();
    }

    @Test
    void sourcesAtAnyDepthComeInTheOrderOfTheirNames() throws IOException {
        write("main.c", "boot.S", "lib/string.c", "lib.c", "README.md", "lib/string.h", "old.s", "boot.asm", "x.nasm");

        assertThat(found()).containsExactly("boot.S", "boot.asm", "lib.c", "lib/string.c", "main.c", "old.s", "x.nasm");
        assertThat(SourceTree.find(folder).ignored()).isEmpty();
    }

    @Test
    void excludedFilesAndFoldersDoNotCount() throws IOException {
        write("main.c", "main32.c", "i386/boot.S", "i386/lib/trap.rs", "i386.c", "x86_64/boot.S");
        List<Path> excluded = List.of(folder.resolve("i386"), folder.resolve("main32.c"));

        SourceTree tree = SourceTree.find(folder, excluded);

        assertThat(tree.files())
                .containsExactly(folder.resolve("i386.c"), folder.resolve("main.c"), folder.resolve("x86_64/boot.S"));
        assertThat(tree.ignored()).isEmpty();
        assertThatThrownBy(() -> SourceTree.find(folder.resolve("i386"), List.of(folder.resolve("i386/boot.S"))))
                .hasMessageStartingWith("the folder " + folder.resolve("i386")
                        + " has no sources but those that are excluded, which are .c, ");
    }

    @Test
    void whatAnotherNasmSourceIncludesIsNoSourceOfItsOwn() throws IOException {
        write("gdt.asm", "lib/print.asm", "lib/digits.asm", "alone.asm", "commented.asm");
        Files.writeString(folder.resolve("boot.asm"), """
                    org 0
                  %include "gdt.asm"
                %INCLUDE 'lib/print.asm'
                ; %include "commented.asm"
                """);
        Files.writeString(folder.resolve("lib/print.asm"), "%include \"digits.asm\"\n");

        assertThat(found()).containsExactly("alone.asm", "boot.asm", "commented.asm");
    }

    @Test
    void sourcesInLanguagesThatAreNotBuiltAreNamed() throws IOException {
        write("main.c", "heap.cpp", "lib/port.rs", "notes.txt", "kernel.ld", "files.tar", "main.d", "Makefile");
        assertThat(SourceTree.find(folder).ignored())
                .contains("heap.cpp, lib/port.rs are ignored: only .c, .S, .s, .asm, .nasm are built");

        write("BOOT.ASM", "a.zig", "b.zig", "c.zig", "d.zig");
        assertThat(SourceTree.find(folder).ignored())
                .contains("BOOT.ASM, a.zig, b.zig, c.zig, d.zig and 2 more are ignored: only .c, .S, .s, .asm, .nasm"
                        + " are built");
    }

    @Test
    void aSourceForNasmIsNamed() throws IOException {
        write("lib/a.asm", "main.c");

        assertThat(SourceTree.find(folder).firstForNasm()).contains("lib/a.asm");
        assertThat(SourceTree.find(folder.resolve("lib/a.asm")).firstForNasm()).contains("a.asm");
        assertThat(SourceTree.find(folder.resolve("main.c")).firstForNasm()).isEmpty();
    }

    @Test
    void aSingleFileStandsForItself() throws IOException {
        write("boot.S", "main.c");

        SourceTree tree = SourceTree.find(folder.resolve("boot.S"));

        assertThat(tree.files()).containsExactly(folder.resolve("boot.S"));
        assertThat(tree.root()).isEqualTo(folder);
    }

    @Test
    void aMissingFolderIsAnError() {
        assertThatThrownBy(() -> SourceTree.find(folder.resolve("nowhere")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the folder or file " + folder.resolve("nowhere")
                        + " does not exist; create it, or name the place where the guest's sources are");
    }

    @Test
    void aFolderWithoutSourcesIsAnErrorThatNamesThoseInOtherLanguages() throws IOException {
        write("notes.txt");
        assertThatThrownBy(this::found)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the folder " + folder + " has no sources, which are .c, .S, .s, .asm, .nasm");

        write("main.rs");
        assertThatThrownBy(this::found)
                .hasMessage("the folder " + folder + " has no sources, which are .c, .S, .s, .asm, .nasm;"
                        + " main.rs is ignored: only .c, .S, .s, .asm, .nasm are built");
    }

    @Test
    void aFileThatCannotBeBuiltIsAnError() throws IOException {
        write("main.cpp");

        assertThatThrownBy(() -> SourceTree.find(folder.resolve("main.cpp")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the file " + folder.resolve("main.cpp") + " can't be built; sources are"
                        + " .c, .S, .s, .asm, .nasm");
    }
}
