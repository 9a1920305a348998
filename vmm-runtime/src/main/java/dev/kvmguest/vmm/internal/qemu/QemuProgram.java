package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.VmmException;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * An installed program that is a PC.
 *
 * @param file the program
 */
record QemuProgram(Path file) {

    /** The first that is there is taken. */
    private static final List<String> NAMES = List.of("qemu-system-i386", "qemu-system-x86_64");

    /**
     * Finds the program in the folders of {@code PATH}.
     *
     * @throws VmmException if it isn't there
     */
    static QemuProgram find(Map<String, String> environment) {
        return NAMES.stream()
                .flatMap(name -> in(environment, name).stream())
                .findFirst()
                .map(QemuProgram::new)
                .orElseThrow(() -> new VmmException("engine qemu needs " + String.join(" or ", NAMES)
                        + ", and neither is in a folder of PATH; install it (Debian, Ubuntu: package qemu-system-x86;"
                        + " Fedora: qemu-system-x86-core; Homebrew: qemu), or choose another engine"));
    }

    private static Optional<Path> in(Map<String, String> environment, String name) {
        return Stream.of(environment.getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Returns the name without folder and ending. */
    String name() {
        return file.getFileName().toString();
    }
}
