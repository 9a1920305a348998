package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.maven.plugin.MojoExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTests {

    private static final byte[] CONTENT = {1, 2, 3};

    @TempDir
    private Path folder;

    @Test
    void fileIsWrittenWithItsFoldersAndRemovedBeforeTheNextRun() {
        Path path = folder.resolve("a/b.png");
        OutputFile file = new OutputFile("kvm.screenshot", path.toFile());

        assertThat(file.removeOld()).isEmpty();
        assertThat(file.write(() -> CONTENT)).isEmpty();
        assertThat(path).hasBinaryContent(CONTENT);

        assertThat(file.removeOld()).isEmpty();
        assertThat(path).doesNotExist();
    }

    @Test
    void nothingIsWrittenIfNobodyAsked() throws Exception {
        OutputFile none = new OutputFile("kvm.report", null);

        none.requireOneGuest(2);
        none.requireFree(Map.of(folder, "taken"));
        none.removeOld();
        none.write(() -> CONTENT);

        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void severalGuestsAreRefused() throws Exception {
        OutputFile file = new OutputFile("kvm.report", new File("out.json"));

        file.requireOneGuest(1);
        assertThatThrownBy(() -> file.requireOneGuest(2))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage(
                        "kvm.report: out.json can take the output of one guest, and kvm.guest names 2; boot them one"
                                + " by one");
    }

    @Test
    void fileThatIsTakenIsRefusedByWhateverPath() throws IOException {
        Path image = Files.write(folder.resolve("kernel.bin"), CONTENT);
        Path around = Files.createDirectory(folder.resolve("sub")).resolve("../kernel.bin");
        Path link = Files.createLink(folder.resolve("out.json"), image);

        for (Path path : new Path[] {image, around, link}) {
            assertThatThrownBy(() -> file(path).requireFree(Map.of(image, "the image")))
                    .isInstanceOf(MojoExecutionException.class)
                    .hasMessage("kvm.report: " + path + " is the image; name another file");
        }
        assertThat(image).hasBinaryContent(CONTENT);
    }

    @Test
    void fileThatSomethingElseWillBeWrittenToIsRefused() {
        Path path = folder.resolve("out");

        assertThatThrownBy(() -> file(path).requireFree(Map.of(folder.resolve("./out"), "kvm.html too")))
                .hasMessage("kvm.report: " + path + " is kvm.html too; name another file");
    }

    @Test
    void folderIsRefusedAndKept() throws Exception {
        Path empty = Files.createDirectory(folder.resolve("empty"));

        assertThatThrownBy(() -> file(empty).requireFree(Map.of()))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage("kvm.report: " + empty + " is a folder; name a file in it");

        file(empty).removeOld();
        assertThat(empty).isEmptyDirectory();
    }

    @Test
    void fileThatCannotBeWrittenIsNamedWithItsParameter() throws Exception {
        Path blocked = Files.createFile(folder.resolve("file")).resolve("out.json");

        assertThat(file(blocked).write(() -> CONTENT)).hasValueSatisfying(problem -> assertThat(problem)
                .startsWith("kvm.report: " + blocked + " can't be written: "));
    }

    @Test
    void contentThatCannotBeMadeLeavesTheOldFile() throws IOException {
        Path path = Files.write(folder.resolve("out.json"), CONTENT);

        assertThat(file(path).write(() -> {
                    throw new IllegalStateException("no picture");
                }))
                .contains("kvm.report: " + path + " can't be written: no picture");
        assertThat(path).hasBinaryContent(CONTENT);
    }

    private static OutputFile file(Path path) {
        return new OutputFile("kvm.report", path.toFile());
    }
}
