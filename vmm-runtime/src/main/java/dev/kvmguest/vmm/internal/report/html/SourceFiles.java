package dev.kvmguest.vmm.internal.report.html;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The lines of source files that an image names.
 *
 * <p>An image may name any file, and a page may be read by people who may not read all files of the machine that wrote
 * it. So only files below one folder are looked at, not by way of links that leave it, not hidden ones, and only those
 * whose names end as those of sources do.
 */
public final class SourceFiles {

    /** A source file is smaller; so that none takes much memory. */
    private static final long LARGEST = 4 << 20;

    private static final Set<String> SUFFIXES = Set.of(
            "c", "h", "s", "asm", "inc", "nasm", "cc", "cpp", "cxx", "hpp", "hh", "rs", "zig", "d", "ads", "adb", "pas",
            "go", "f90", "nim", "odin", "v");

    private final Path folder;

    /**
     * Creates what reads below a folder.
     *
     * @param folder the folder; names that are relative are relative to it
     */
    public SourceFiles(Path folder) {
        this.folder = folder;
    }

    /**
     * A few lines of a file.
     *
     * @param file the file's name as the image has it
     * @param line the line that they are about, from 1
     * @param first the number of the first one
     * @param text the lines
     */
    record Excerpt(String file, int line, int first, List<String> text) {}

    /**
     * Returns a line and those around it.
     *
     * @param source a file and a line, such as {@code common.c:6}
     * @param around how many lines before and after it, as far as there are so many
     * @return empty if the file isn't there, may not be read or has no such line
     */
    Optional<Excerpt> around(String source, int around) {
        int colon = source.lastIndexOf(':');
        try {
            int line = Integer.parseInt(source.substring(colon + 1));
            String file = source.substring(0, Math.max(0, colon));
            return lines(file)
                    .filter(lines -> 1 <= line && line <= lines.size())
                    .map(lines -> {
                        int from = Math.max(1, line - around);
                        int to = Math.min(lines.size(), line + around);
                        return new Excerpt(file, line, from, lines.subList(from - 1, to));
                    });
        } catch (IOException | IllegalArgumentException | SecurityException e) {
            // A report is as good without; the name of the line is in it all the same.
            return Optional.empty();
        }
    }

    private Optional<List<String>> lines(String file) throws IOException {
        Path root = folder.toAbsolutePath().normalize();
        Path named = root.resolve(file).normalize();
        // Before the file system is asked at all: the mere question can go to another machine.
        if (!named.startsWith(root)) {
            return Optional.empty();
        }
        Path path = named.toRealPath();
        boolean readable = path.startsWith(root.toRealPath())
                && isSource(path)
                && !isHidden(root.toRealPath().relativize(path))
                && Files.isRegularFile(path)
                && Files.size(path) <= LARGEST;
        return readable
                ? Optional.of(new String(Files.readAllBytes(path), StandardCharsets.UTF_8)
                        .lines()
                        .toList())
                : Optional.empty();
    }

    private static boolean isSource(Path path) {
        String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
        return SUFFIXES.contains(name.substring(name.lastIndexOf('.') + 1));
    }

    private static boolean isHidden(Path path) {
        for (Path part : path) {
            if (part.toString().startsWith(".")) {
                return true;
            }
        }
        return false;
    }
}
