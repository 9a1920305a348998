package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.maven.plugin.MojoExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTests {

    private static final byte[] CONTENT = {1, 2, 3};

    @TempDir
    private Path folder;

    @Test
    void fileIsWrittenWithItsFoldersAndRemovedBeforeTheNextRun() throws Exception {
        Path path = folder.resolve("a/b.png");
        OutputFile file = new OutputFile("kvm.screenshot", path.toFile());

        file.removeOld();
        file.write(CONTENT);
        assertThat(path).hasBinaryContent(CONTENT);

        file.removeOld();
        assertThat(path).doesNotExist();
    }

    @Test
    void nothingIsWrittenIfNobodyAsked() throws Exception {
        OutputFile none = new OutputFile("kvm.report", null);

        none.requireOneGuest(2);
        none.removeOld();
        none.write(CONTENT);

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
    void fileThatCannotBeWrittenIsNamedWithItsParameter() throws Exception {
        Path blocked = Files.createFile(folder.resolve("file")).resolve("out.json");

        assertThatThrownBy(() -> new OutputFile("kvm.report", blocked.toFile()).write(CONTENT))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage("kvm.report can't be written: " + blocked.getParent()
                        + ": a file of this name is there already");
    }
}
