package dev.kvmguest.maven;

import dev.kvmguest.vmm.bundle.Bundle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where kvm:export and kvm:bundle write.
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
                .orElseGet(() -> withoutSuffix(guest));
        return new ExportPlace(folder.toAbsolutePath(), plain(name));
    }

    /**
     * Returns the file for a guest's bundle.
     *
     * @param output {@code kvm.output}: a folder, or a file that ends in {@code .zip}
     * @param guest the image's name
     */
    static Path bundle(Optional<Path> output, String guest) {
        return output.filter(path -> path.toString().endsWith(".zip"))
                .orElseGet(() -> output.orElse(Path.of("")).resolve(plain(withoutSuffix(guest)) + Bundle.SUFFIX))
                .toAbsolutePath();
    }

    private static String withoutSuffix(String guest) {
        return guest.replaceFirst(IMAGE_FILE, "");
    }

    private static String plain(String name) {
        return name.replaceAll("[^A-Za-z0-9._-]", "_");
    }
}
