package dev.kvmguest.vmm.internal.report.html;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.image.SourceFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SourceFilesTests {

    @TempDir
    private Path outside;

    private Path folder;
    private SourceFiles files;

    @BeforeEach
    void writeFiles() throws IOException {
        folder = Files.createDirectories(outside.resolve("project"));
        Files.createDirectories(folder.resolve("src"));
        Files.createDirectories(folder.resolve(".git"));
        for (String file :
                new String[] {"src/main.c", "secret.c", "project/secret.txt", "project/.git/x.c", "project/.c"}) {
            Files.writeString(outside.resolve(file.startsWith("src") ? "project/" + file : file), "one\ntwo\nthree\n");
        }
        files = new SourceFiles(new SourceFolders(folder));
    }

    @Test
    void lineIsReadWithThoseAroundIt() {
        assertThat(files.around("src/main.c:2", 1))
                .hasValue(new SourceFiles.Excerpt("src/main.c", 2, 1, List.of("one", "two", "three")));
        assertThat(files.around("src/main.c:3", 1).orElseThrow().text()).containsExactly("two", "three");
        assertThat(files.around("src/main.c:1", 0).orElseThrow().text()).containsExactly("one");
    }

    @Test
    void absoluteNameBelowTheFolderIsRead() {
        assertThat(files.around(folder.resolve("src/main.c") + ":2", 0)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../secret.c:1",
                "src/../../secret.c:1",
                "secret.txt:1",
                ".git/x.c:1",
                ".c:1",
                "src:1",
                "src/none.c:1",
                "src/main.c:0",
                "src/main.c:4",
                "src/main.c:-1",
                "src/main.c:99999999999",
                "src/main.c",
                "src/main.c:",
                ":1",
                "",
                "\u0000.c:1"
            })
    void whatIsOutsideHiddenNoSourceOrNotThereIsNotRead(String source) {
        assertThat(files.around(source, 3)).isEmpty();
    }

    @Test
    void absoluteNameOutsideIsNotRead() {
        assertThat(files.around(outside.resolve("secret.c") + ":1", 0)).isEmpty();
    }

    @Test
    void linkThatLeavesTheFolderIsNotFollowed() throws IOException {
        Files.createSymbolicLink(folder.resolve("link.c"), outside.resolve("secret.c"));
        Files.createSymbolicLink(folder.resolve("inside.c"), folder.resolve("src/main.c"));

        assertThat(files.around("link.c:1", 0)).isEmpty();
        assertThat(files.around("inside.c:1", 0)).isPresent();
    }

    @Test
    void fileThatIsTooLargeForASourceIsNotRead() throws IOException {
        Files.writeString(folder.resolve("large.c"), "x\n".repeat(3 << 20));

        assertThat(files.around("large.c:1", 0)).isEmpty();
    }
}
