package dev.kvmguest.vmm.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class ReportFileTests {

    @TempDir
    private Path folder;

    @Test
    void fileIsWrittenWithItsFoldersAndNothingElse() throws IOException {
        Path file = folder.resolve("a/b/report.json");

        ReportFile.write(file, "größer");

        assertThat(file).hasContent("größer");
        assertThat(namesIn(file.getParent())).containsExactly("report.json");
    }

    @Test
    void whoReadsWhileItIsWrittenSeesAllOfTheOldContent() throws IOException {
        Path file = Files.writeString(folder.resolve("report.json"), "old");

        try (SeekableByteChannel open = Files.newByteChannel(file)) {
            ReportFile.write(file, "new and longer");
            assertThat(open.size()).isEqualTo(3);
        }
        assertThat(file).hasContent("new and longer");
    }

    @Test
    void severalThreadsLeaveOneOfTheirContentsWhole() throws Exception {
        Path file = folder.resolve("report.json");
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            for (Future<Void> write : pool.invokeAll(Stream.of("a", "b", "c", "d")
                    .<Callable<Void>>map(letter -> () -> {
                        ReportFile.write(file, letter.repeat(100_000));
                        return null;
                    })
                    .toList())) {
                write.get();
            }
        } finally {
            pool.shutdown();
        }
        assertThat(Files.readString(file)).matches("a{100000}|b{100000}|c{100000}|d{100000}");
        assertThat(namesIn(folder)).containsExactly("report.json");
    }

    @Test
    void folderIsRefusedAndKept() throws IOException {
        Path empty = Files.createDirectory(folder.resolve("empty"));

        assertThatThrownBy(() -> ReportFile.write(empty, "x"))
                .isInstanceOf(IOException.class)
                .hasMessage(empty + ": it is a folder");

        assertThat(empty).isEmptyDirectory();
        assertThat(namesIn(folder)).containsExactly("empty");
    }

    @Test
    void whatCannotBeWrittenLeavesNothing() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "kept");

        assertThatThrownBy(() -> ReportFile.write(file.resolve("report.json"), "x"))
                .isInstanceOf(IOException.class);

        assertThat(file).hasContent("kept");
        assertThat(namesIn(folder)).containsExactly("file");
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void linkStaysALink() throws IOException {
        Path file = Files.writeString(folder.resolve("report.json"), "old");
        Path link = Files.createSymbolicLink(folder.resolve("link"), file);

        ReportFile.write(link, "new");

        assertThat(link).isSymbolicLink();
        assertThat(file).hasContent("new");
    }

    /** As /dev/null and /dev/stdout are, which a test had better not try to replace. */
    @Test
    @Timeout(30)
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void pipeStaysAPipeAndIsWrittenTo() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        CompletableFuture<String> read = new CompletableFuture<>();
        Thread reader = new Thread(() -> read.complete(readAll(pipe)));
        // A daemon: if nothing is written to the pipe, it waits for ever.
        reader.setDaemon(true);
        reader.start();

        ReportFile.write(pipe, "through");

        assertThat(read.get(20, TimeUnit.SECONDS)).isEqualTo("through");
        assertThat(Files.isRegularFile(pipe)).isFalse();
    }

    private static String readAll(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String[] namesIn(Path folder) {
        String[] names = folder.toFile().list();
        Arrays.sort(names);
        return names;
    }
}
