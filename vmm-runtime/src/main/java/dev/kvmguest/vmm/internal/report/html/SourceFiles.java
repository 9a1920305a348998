package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.image.SourceFolders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The lines of source files that an image names. */
public final class SourceFiles {

    private final SourceFolders folders;

    /** Creates what reads files of these folders. */
    public SourceFiles(SourceFolders folders) {
        this.folders = folders;
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
        Optional<Path> found = folders.find(file);
        return found.isEmpty()
                ? Optional.empty()
                : Optional.of(new String(Files.readAllBytes(found.get()), StandardCharsets.UTF_8)
                        .lines()
                        .toList());
    }
}
