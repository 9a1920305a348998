package dev.kvmguest.vmm.internal.doctor;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A host's files below a root folder, of which each may be missing or refused. */
public final class HostFiles {

    /** The first processors of /proc/cpuinfo; everything else is shorter. */
    private static final int MOST_BYTES = 64 << 10;

    private final Path root;

    /** Creates the files of a host whose root folder is this one. */
    public HostFiles(Path root) {
        this.root = root;
    }

    /** Returns the path of a file. */
    Path path(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    boolean exists(String absolute) {
        return Files.exists(path(absolute));
    }

    /** Returns the beginning of a file as text, without space at the end; empty if it can't be read. */
    Optional<String> text(String absolute) {
        try (InputStream in = Files.newInputStream(path(absolute))) {
            return Optional.of(new String(in.readNBytes(MOST_BYTES), StandardCharsets.UTF_8).stripTrailing());
        } catch (IOException | InvalidPathException e) {
            return Optional.empty();
        }
    }

    /** Returns the names in a folder, sorted; none if it can't be read. */
    List<String> names(String absolute) {
        try (Stream<Path> files = Files.list(path(absolute))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException | InvalidPathException e) {
            return List.of();
        }
    }
}
