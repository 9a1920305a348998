package dev.kvmguest.maven.toolchain;

import dev.kvmguest.maven.files.FileTrees;
import dev.kvmguest.vmm.text.Reasons;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Folders that are filled once and then shared by every build of a user.
 *
 * <p>A folder appears under its name only when it is whole: it is filled under another name, given a list of its files
 * and their sizes, and renamed, all under a file lock. What a killed build has left is removed by the next one that
 * fills the same folder. A folder that doesn't agree with its list is filled anew.
 */
public final class ToolCache {

    /** The list in a whole folder: a line per file, its size in bytes, a blank and its name. */
    static final String CONTENTS = "contents.txt";

    private final Path root;
    private final Consumer<String> progress;

    /** Fills a folder. */
    @FunctionalInterface
    public interface Filler {

        /** Puts the files into an empty folder. */
        void fill(Path folder) throws IOException, ToolchainException;
    }

    /**
     * Creates a cache; its folder need not exist yet.
     *
     * @param progress told of what may take a while
     */
    public ToolCache(Path root, Consumer<String> progress) {
        this.root = root;
        this.progress = progress;
    }

    /**
     * Returns the cache's usual place: {@code kvmguest} in the folder that XDG_CACHE_HOME names, or in {@code .cache}
     * in the user's home.
     */
    public static Path defaultRoot(Map<String, String> environment, Path home) {
        String xdg = environment.get("XDG_CACHE_HOME");
        // The XDG Base Directory Specification has relative paths ignored.
        Path base = xdg != null && Path.of(xdg).isAbsolute() ? Path.of(xdg) : home.resolve(".cache");
        return base.resolve("kvmguest");
    }

    /**
     * Returns whether the folder of this name is there and whole; nothing is filled.
     *
     * @throws ToolchainException if the cache can't be read
     */
    boolean has(String name) throws ToolchainException {
        return isWhole(folder(name));
    }

    private Path folder(String name) {
        return root.resolve("toolchains").resolve(name);
    }

    /**
     * Returns the folder of this name, filled.
     *
     * @throws ToolchainException if the cache can't be written, or the filler throws it
     */
    public Path folder(String name, Filler filler) throws ToolchainException {
        Path folder = folder(name);
        if (isWhole(folder)) {
            return folder;
        }
        // A second lock on one file throws in the same JVM, where threads and plugin class loaders meet: an interned
        // string is the one monitor that class loaders share.
        synchronized (("dev.kvmguest.maven.ToolCache:" + folder.toAbsolutePath()).intern()) {
            try {
                Files.createDirectories(folder.getParent());
                try (FileChannel channel = FileChannel.open(
                        folder.resolveSibling(name + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                    lock(channel, name);
                    if (!isWhole(folder)) {
                        progress.accept("Unpacking " + name + ", once for all projects");
                        fill(folder, filler);
                    }
                }
            } catch (IOException e) {
                throw new ToolchainException(
                        "the cache folder " + folder + " can't be filled: " + Reasons.of(e)
                                + "; name another place with -Dkvm.cache=FOLDER",
                        e);
            }
        }
        return folder;
    }

    /** Waits for the lock of a folder, which is given back when the channel is closed. */
    private void lock(FileChannel channel, String name) throws IOException {
        if (channel.tryLock() == null) {
            progress.accept("Waiting for another build that unpacks " + name);
            channel.lock();
        }
    }

    /** Fills a folder; the caller holds its lock, so nobody else is at work on what is removed here. */
    private static void fill(Path folder, Filler filler) throws IOException, ToolchainException {
        Path filling = folder.resolveSibling(folder.getFileName() + ".unpacking");
        FileTrees.delete(filling);
        FileTrees.delete(folder);
        Files.createDirectory(filling);
        try {
            filler.fill(filling);
            Files.write(filling.resolve(CONTENTS), contents(filling));
            Files.move(filling, folder, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            FileTrees.delete(filling);
        }
    }

    private static boolean isWhole(Path folder) throws ToolchainException {
        Path list = folder.resolve(CONTENTS);
        try {
            if (!Files.isRegularFile(list)) {
                return false;
            }
            for (String line : Files.readAllLines(list)) {
                int blank = line.indexOf(' ');
                Path file = folder.resolve(line.substring(blank + 1));
                if (!Files.isRegularFile(file) || Files.size(file) != Long.parseLong(line.substring(0, blank))) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            throw new ToolchainException(
                    "the cache folder " + folder + " can't be read: " + Reasons.of(e)
                            + "; name another place with -Dkvm.cache=FOLDER",
                    e);
        }
    }

    private static List<String> contents(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> size(file) + " "
                            + folder.relativize(file).toString().replace('\\', '/'))
                    .sorted()
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
