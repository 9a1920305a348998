package dev.kvmguest.maven.toolchain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ToolCacheTests {

    @TempDir
    Path root;

    private final AtomicInteger fillings = new AtomicInteger();
    private final List<String> progress = new CopyOnWriteArrayList<>();

    private void fill(Path folder) throws IOException {
        fillings.incrementAndGet();
        Files.createDirectories(folder.resolve("bin"));
        Files.writeString(folder.resolve("bin/clang"), "a compiler");
        Files.writeString(folder.resolve("LICENSE"), "a licence");
    }

    private Path folder() throws ToolchainException {
        return new ToolCache(root, progress::add).folder("llvm-1", this::fill);
    }

    @Test
    void aFolderIsFilledOnlyOnce() throws Exception {
        Path first = folder();
        Path second = folder();

        assertThat(first).isEqualTo(second).isEqualTo(root.resolve("toolchains").resolve("llvm-1"));
        assertThat(first.resolve("bin/clang")).hasContent("a compiler");
        assertThat(fillings).hasValue(1);
        assertThat(progress).containsExactly("Unpacking llvm-1, once for all projects");
    }

    @Test
    void threadsThatWantItAtTheSameTimeFillItOnce() throws Exception {
        int threads = 8;
        CyclicBarrier start = new CyclicBarrier(threads);
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<String>> seen = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                seen.add(executor.submit(() -> {
                    start.await();
                    return Files.readString(folder().resolve("bin/clang"));
                }));
            }
            for (Future<String> content : seen) {
                assertThat(content.get()).isEqualTo("a compiler");
            }
        } finally {
            executor.shutdownNow();
        }
        assertThat(fillings).hasValue(1);
    }

    @Test
    void processesThatWantItAtTheSameTimeFillItOnce() throws Exception {
        Path fillings = Files.createDirectory(root.resolve("fillings"));
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            processes.add(new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            CacheUser.class.getName(),
                            root.toString(),
                            fillings.toString())
                    .redirectErrorStream(true)
                    .start());
        }
        for (Process process : processes) {
            String output = new String(process.getInputStream().readAllBytes());
            assertThat(process.waitFor()).as(output).isZero();
            assertThat(output).endsWith("a compiler");
        }
        try (Stream<Path> filled = Files.list(fillings)) {
            assertThat(filled).hasSize(1);
        }
    }

    /** What the processes of {@link #processesThatWantItAtTheSameTimeFillItOnce} run. */
    static final class CacheUser {

        private CacheUser() {}

        public static void main(String[] args) throws Exception {
            Path folder = new ToolCache(Path.of(args[0]), message -> {}).folder("llvm-1", filling -> {
                Files.createTempFile(Path.of(args[1]), "filled", "");
                // In parts, so that a process that looked too early would see half a compiler.
                Files.writeString(filling.resolve("clang"), "a comp");
                Files.writeString(filling.resolve("clang"), "iler", StandardOpenOption.APPEND);
            });
            System.out.print(Files.readString(folder.resolve("clang")));
        }
    }

    @Test
    void whatAKilledBuildLeftIsRemovedAndNotUsed() throws Exception {
        Path leftOver = Files.createDirectories(root.resolve("toolchains/llvm-1.unpacking/bin"));
        Files.writeString(leftOver.resolve("clang"), "half a comp");
        Files.writeString(leftOver.resolveSibling("stray"), "");

        Path folder = folder();

        assertThat(folder.resolve("bin/clang")).hasContent("a compiler");
        assertThat(folder.resolve("stray")).doesNotExist();
        assertThat(root.resolve("toolchains/llvm-1.unpacking")).doesNotExist();
    }

    @Test
    void aFolderWithoutItsListIsFilledAnew() throws Exception {
        Files.createDirectories(root.resolve("toolchains/llvm-1/bin"));
        Files.writeString(root.resolve("toolchains/llvm-1/bin/clang"), "half a comp");

        assertThat(folder().resolve("bin/clang")).hasContent("a compiler");
    }

    @Test
    void aFolderThatLostAFileOrPartOfOneIsFilledAnew() throws Exception {
        Path clang = folder().resolve("bin/clang");

        Files.delete(clang);
        assertThat(folder().resolve("bin/clang")).hasContent("a compiler");
        Files.writeString(clang, "a comp");
        assertThat(folder().resolve("bin/clang")).hasContent("a compiler");
        assertThat(fillings).hasValue(3);
    }

    @Test
    void aFillingThatFailsLeavesNothing() {
        ToolCache cache = new ToolCache(root, message -> {});

        assertThatThrownBy(() -> cache.folder("llvm-1", folder -> {
                    Files.writeString(folder.resolve("clang"), "half a comp");
                    throw new IOException("the disk is full");
                }))
                .isInstanceOf(ToolchainException.class)
                .hasMessage("the cache folder " + root.resolve("toolchains/llvm-1")
                        + " can't be filled: the disk is full;"
                        + " name another place with -Dkvm.cache=FOLDER");
        assertThat(root.resolve("toolchains")).isDirectoryNotContaining(Files::isDirectory);
    }

    @Test
    void theCacheIsWhereTheXdgSpecificationPutsIt() {
        Path home = Path.of("home").toAbsolutePath();
        Path xdg = Path.of("elsewhere").toAbsolutePath();

        assertThat(ToolCache.defaultRoot(Map.of(), home)).isEqualTo(home.resolve(".cache/kvmguest"));
        assertThat(ToolCache.defaultRoot(Map.of("XDG_CACHE_HOME", xdg.toString()), home))
                .isEqualTo(xdg.resolve("kvmguest"));
        assertThat(ToolCache.defaultRoot(Map.of("XDG_CACHE_HOME", "relative"), home))
                .isEqualTo(home.resolve(".cache/kvmguest"));
        assertThat(ToolCache.defaultRoot(Map.of("XDG_CACHE_HOME", ""), home))
                .isEqualTo(home.resolve(".cache/kvmguest"));
    }
}
