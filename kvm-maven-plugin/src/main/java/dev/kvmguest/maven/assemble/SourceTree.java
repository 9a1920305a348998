package dev.kvmguest.maven.assemble;

import dev.kvmguest.maven.toolchain.ToolchainKind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A guest's source files.
 *
 * @param root the folder that they lie in, at any depth
 * @param files the files, in the order of their names relative to the root, which is the order of linking
 * @param foreign the files there that are sources too, by their names, and in a language that isn't built
 */
public record SourceTree(Path root, List<Path> files, List<Path> foreign) {

    private static final List<String> EXTENSIONS = Stream.concat(
                    ToolchainKind.COMPILED.stream(), ToolchainKind.FOR_NASM.stream())
            .toList();

    /** In lower case. Those that are built are here too, for one who writes {@code .ASM} or, for C++, {@code .C}. */
    private static final Set<String> SOURCES = Set.of(
            ".c", ".s", ".asm", ".nasm", ".cpp", ".cc", ".cxx", ".c++", ".rs", ".zig", ".go", ".nim", ".pas", ".adb",
            ".f90", ".swift", ".odin", ".fasm", ".yasm", ".masm");

    private static final int MOST_NAMED = 5;

    public SourceTree {
        files = List.copyOf(files);
        foreign = List.copyOf(foreign);
    }

    /** Finds the sources, and excludes none of them. */
    public static SourceTree find(Path sources) throws IOException {
        return find(sources, List.of());
    }

    /**
     * Finds the sources: the named file, or those below the named folder that can be built. A file that another
     * one includes by nasm's {@code %include} is a part of that one.
     *
     * @param excluded files and folders below the named folder that don't count
     * @throws IllegalArgumentException if there are none
     * @throws IOException if the folder can't be read
     */
    public static SourceTree find(Path sources, List<Path> excluded) throws IOException {
        if (Files.isRegularFile(sources)) {
            if (!isBuilt(sources)) {
                throw new IllegalArgumentException(
                        "the file " + sources + " can't be built; sources are " + String.join(", ", EXTENSIONS));
            }
            return new SourceTree(sources.toAbsolutePath().getParent(), List.of(sources), List.of());
        }
        if (!Files.isDirectory(sources)) {
            throw new IllegalArgumentException("the folder or file " + sources
                    + " does not exist; create it, or name the place where the guest's sources are");
        }
        List<Path> all = filesBelow(sources).stream()
                .filter(file -> excluded.stream().noneMatch(file::startsWith))
                .toList();
        Set<Path> included = includedByNasm(sources, all);
        List<Path> files = all.stream()
                .filter(SourceTree::isBuilt)
                .filter(file -> !included.contains(file))
                .toList();
        List<Path> foreign = all.stream()
                .filter(file ->
                        !isBuilt(file) && SOURCES.contains(extension(file).toLowerCase(Locale.ROOT)))
                .toList();
        SourceTree tree = new SourceTree(sources, files, foreign);
        if (files.isEmpty()) {
            throw new IllegalArgumentException("the folder " + sources + " has no sources"
                    + (excluded.isEmpty() ? "" : " but those that are excluded") + ", which are "
                    + String.join(", ", EXTENSIONS)
                    + tree.ignored().map(ignored -> "; " + ignored).orElse(""));
        }
        return tree;
    }

    /** Returns one of the files that nasm is needed for, relative to the root; empty if there are none. */
    public Optional<String> firstForNasm() {
        return files.stream()
                .filter(SourceTree::isForNasm)
                .map(file -> RelativePaths.of(root, file))
                .findFirst();
    }

    /** Returns a sentence about the sources that aren't built; empty if there are none. */
    public Optional<String> ignored() {
        if (foreign.isEmpty()) {
            return Optional.empty();
        }
        List<String> names =
                foreign.stream().map(file -> RelativePaths.of(root, file)).toList();
        String named = String.join(", ", names.subList(0, Math.min(MOST_NAMED, names.size())));
        int more = names.size() - MOST_NAMED;
        return Optional.of(named + (more > 0 ? " and " + more + " more" : "")
                + (names.size() == 1 ? " is" : " are") + " ignored: only " + String.join(", ", EXTENSIONS)
                + " are built");
    }

    /** Returns the regular files below a folder in an order that is the same on every host. */
    static List<Path> filesBelow(Path folder) throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(file -> RelativePaths.of(folder, file)))
                    .toList();
        }
    }

    private static Set<Path> includedByNasm(Path root, List<Path> all) throws IOException {
        Set<Path> included = new HashSet<>();
        for (Path file : all) {
            if (isForNasm(file)) {
                String text = Files.readString(file, StandardCharsets.ISO_8859_1);
                for (String name : InputScanner.inclusionsOfNasm(text)) {
                    included.add(file.resolveSibling(name).normalize());
                    included.add(root.resolve(name).normalize());
                }
            }
        }
        return included;
    }

    private static boolean isBuilt(Path file) {
        return EXTENSIONS.contains(extension(file));
    }

    private static boolean isForNasm(Path file) {
        return ToolchainKind.FOR_NASM.contains(extension(file));
    }

    private static String extension(Path file) {
        String name = file.getFileName().toString();
        return name.substring(Math.max(0, name.lastIndexOf('.')));
    }
}
