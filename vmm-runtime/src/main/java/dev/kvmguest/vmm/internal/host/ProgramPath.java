package dev.kvmguest.vmm.internal.host;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Looks for installed programs in the folders of {@code PATH}.
 *
 * @param environment the environment variables that say which these are
 */
public record ProgramPath(Map<String, String> environment) {

    /** The programs that are a PC, the one that is taken first in front. */
    public static final List<String> QEMU = List.of("qemu-system-x86_64", "qemu-system-i386");

    /** Returns the first program of this name, with or without {@code .exe}. */
    public Optional<Path> find(String name) {
        return Stream.of(environment.getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .flatMap(folder -> Stream.of(folder + File.separator + name, folder + File.separator + name + ".exe"))
                .flatMap(file -> path(file).stream())
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst();
    }

    /** A PATH can have anything in it. */
    private static Optional<Path> path(String file) {
        try {
            return Optional.of(Path.of(file));
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }
}
