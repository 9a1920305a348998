package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.maven.toolchain.ToolchainKind;
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

    private List<String> found(ToolchainKind toolchain) throws IOException {
        return SourceTree.find(folder, toolchain).files().stream()
                .map(file -> RelativePaths.of(folder, file))
                .toList();
    }

    @Test
    void sourcesAtAnyDepthComeInTheOrderOfTheirNames() throws IOException {
        write("main.c", "boot.S", "lib/string.c", "lib.c", "README.md", "lib/string.h", "old.s", "boot.asm", "x.cc");

        assertThat(found(ToolchainKind.LLVM)).containsExactly("boot.S", "lib.c", "lib/string.c", "main.c", "old.s");
        assertThat(found(ToolchainKind.NASM))
                .containsExactly("boot.S", "boot.asm", "lib.c", "lib/string.c", "main.c", "old.s");
    }

    @Test
    void aSingleFileStandsForItself() throws IOException {
        write("boot.S", "main.c");

        SourceTree tree = SourceTree.find(folder.resolve("boot.S"), ToolchainKind.GCC);

        assertThat(tree.files()).containsExactly(folder.resolve("boot.S"));
        assertThat(tree.root()).isEqualTo(folder);
    }

    @Test
    void aMissingFolderIsAnError() {
        assertThatThrownBy(() -> SourceTree.find(folder.resolve("nowhere"), ToolchainKind.LLVM))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the folder or file " + folder.resolve("nowhere")
                        + " does not exist; create it, or name the place where the guest's sources are");
    }

    @Test
    void aFolderWithoutSourcesIsAnErrorThatKnowsNasm() throws IOException {
        write("notes.txt");
        assertThatThrownBy(() -> found(ToolchainKind.LLVM))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the folder " + folder + " has no sources for toolchain llvm, which takes .c, .S, .s");

        write("boot.asm");
        assertThatThrownBy(() -> found(ToolchainKind.LLVM))
                .hasMessage("the folder " + folder + " has no sources for toolchain llvm, which takes .c, .S, .s;"
                        + " use <toolchain>nasm</toolchain> for .asm and .nasm files");
    }

    @Test
    void aFileThatTheToolchainDoesNotTakeIsAnError() throws IOException {
        write("boot.asm");

        assertThatThrownBy(() -> SourceTree.find(folder.resolve("boot.asm"), ToolchainKind.GCC))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the file " + folder.resolve("boot.asm") + " is not a source for toolchain gcc, which takes"
                        + " .c, .S, .s; use <toolchain>nasm</toolchain> for .asm and .nasm files");
    }
}
