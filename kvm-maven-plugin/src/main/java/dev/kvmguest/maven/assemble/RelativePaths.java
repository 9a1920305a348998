package dev.kvmguest.maven.assemble;

import java.nio.file.Path;

/** Paths as compilers, maps and messages see them: relative to a folder, with slashes on every host. */
final class RelativePaths {

    private RelativePaths() {}

    /** Returns the path of a file as seen from a folder; the absolute path if they have no root in common. */
    static String of(Path folder, Path file) {
        Path from = folder.toAbsolutePath().normalize();
        Path to = file.toAbsolutePath().normalize();
        boolean sameRoot = from.getRoot().equals(to.getRoot());
        String path = (sameRoot ? from.relativize(to) : to).toString().replace('\\', '/');
        return path.isEmpty() ? "." : path;
    }
}
