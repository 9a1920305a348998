package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootFilesTests {

    @TempDir
    private Path folder;

    @Test
    void twoFilesOfTheSameNameAreRefusedBeforeAnyIsRemoved() throws IOException {
        Path one = Files.writeString(folder.resolve("one"), "kept");
        BootFiles files = new BootFiles(
                "kvm:boot", file("kvm.report", "one"), file("kvm.html", "two"), file("kvm.screenshot", "one"));

        assertThatThrownBy(() -> files.requireFree(Map.of()))
                .hasMessage("kvm.screenshot: " + one + " is kvm.report too; name another file");

        assertThat(one).hasContent("kept");
    }

    @Test
    void refusalIsWrittenInPlaceOfAnOldReport() throws Exception {
        Path report = Files.writeString(folder.resolve("report.json"), "old");
        BootFiles files = new BootFiles(
                "kvm:boot", file("kvm.report", "report.json"), file("kvm.html", "none"), file("kvm.screenshot", "no"));

        files.requireFree(Map.of());
        files.removeOld();
        assertThat(report).doesNotExist();
        files.writeRefusal("kernel", "no KVM");

        assertThat(report).content().contains("\"engineReason\": \"no KVM\"");
        assertThat(files.complaints()).isEmpty();
        assertThat(folder.toFile().list()).containsExactly("report.json");
    }

    @Test
    void whatCannotBeWrittenIsAComplaint() throws IOException {
        Files.createFile(folder.resolve("file"));
        BootFiles files = new BootFiles(
                "kvm:boot",
                file("kvm.report", "file/report.json"),
                file("kvm.html", "page"),
                file("kvm.screenshot", "picture"));

        files.removeOld();
        files.writeRefusal("kernel", "no KVM");

        assertThat(files.complaints())
                .singleElement()
                .asString()
                .startsWith("kvm.report: " + folder.resolve("file/report.json") + " can't be written: ");
    }

    private OutputFile file(String property, String name) {
        return new OutputFile(property, folder.resolve(name).toFile());
    }
}
