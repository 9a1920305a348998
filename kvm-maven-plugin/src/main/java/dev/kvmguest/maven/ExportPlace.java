package dev.kvmguest.maven;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where kvm:export writes.
 *
 * @param folder the folder
 * @param name what the files' names begin with
 */
record ExportPlace(Path folder, String name) {

    private static final String C_FILE = "\\.c$";
    private static final String IMAGE_FILE = "\\.(bin|com|elf|img)$";

    /**
     * Returns the place for a guest.
     *
     * @param output {@code kvm.output}: a folder, or a file that ends in {@code .c}
     * @param guest the image's name
     */
    static ExportPlace of(Optional<Path> output, String guest) {
        Optional<Path> file = output.filter(path -> path.toString().endsWith(".c"));
        Path folder = file.map(path -> path.toAbsolutePath().getParent())
                .or(() -> output)
                .orElse(Path.of(""));
        String name = file.map(path -> path.getFileName().toString().replaceFirst(C_FILE, ""))
                .orElseGet(() -> guest.replaceFirst(IMAGE_FILE, ""));
        return new ExportPlace(folder.toAbsolutePath(), name.replaceAll("[^A-Za-z0-9._-]", "_"));
    }
}
