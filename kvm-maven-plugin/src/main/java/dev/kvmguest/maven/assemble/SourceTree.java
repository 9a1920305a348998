package dev.kvmguest.maven.assemble;

import dev.kvmguest.maven.toolchain.ToolchainKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A guest's source files.
 *
 * @param root the folder that they lie in, at any depth
 * @param files the files, in the order of their names relative to the root, which is the order of linking
 */
public record SourceTree(Path root, List<Path> files) {

    public SourceTree {
        files = List.copyOf(files);
    }

    /**
     * Finds the sources for a toolchain: the named file, or those below the named folder that the toolchain compiles.
     *
     * @throws IllegalArgumentException if there are none
     * @throws IOException if the folder can't be read
     */
    public static SourceTree find(Path sources, ToolchainKind toolchain) throws IOException {
        if (Files.isRegularFile(sources)) {
            if (!compiles(toolchain, sources)) {
                throw new IllegalArgumentException("the file " + sources + " is not a source for toolchain " + toolchain
                        + ", which takes " + String.join(", ", toolchain.extensions()) + hint(List.of(sources)));
            }
            return new SourceTree(sources.getParent(), List.of(sources));
        }
        if (!Files.isDirectory(sources)) {
            throw new IllegalArgumentException("the folder or file " + sources
                    + " does not exist; create it, or name the place where the guest's sources are");
        }
        List<Path> all = filesBelow(sources);
        List<Path> files =
                all.stream().filter(file -> compiles(toolchain, file)).toList();
        if (files.isEmpty()) {
            throw new IllegalArgumentException("the folder " + sources + " has no sources for toolchain " + toolchain
                    + ", which takes " + String.join(", ", toolchain.extensions()) + hint(all));
        }
        return new SourceTree(sources, files);
    }

    /** Returns the regular files below a folder in an order that is the same on every host. */
    static List<Path> filesBelow(Path folder) throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(file -> RelativePaths.of(folder, file)))
                    .toList();
        }
    }

    private static boolean compiles(ToolchainKind toolchain, Path file) {
        return toolchain.extensions().stream().anyMatch(file.toString()::endsWith);
    }

    private static String hint(List<Path> files) {
        return files.stream().anyMatch(file -> compiles(ToolchainKind.NASM, file))
                ? "; use <toolchain>nasm</toolchain> for .asm and .nasm files"
                : "";
    }
}
