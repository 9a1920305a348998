package dev.kvmguest.vmm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What Linux says of this machine's processor; nothing on other systems. */
public final class HostProcessor {

    private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

    private HostProcessor() {}

    /** Returns what CPUID's leaf 0 says; empty on other systems. */
    public static Optional<String> vendor() {
        return field("vendor_id");
    }

    /** Returns whether it has a feature, such as {@code la57}. */
    public static boolean hasFlag(String name) {
        return List.of(field("flags").orElse("").split(" ")).contains(name);
    }

    private static Optional<String> field(String name) {
        try {
            List<String> lines = Files.isReadable(PROCESSORS) ? Files.readAllLines(PROCESSORS) : List.of();
            return lines.stream()
                    .filter(line -> line.startsWith(name))
                    .map(line -> line.substring(line.indexOf(':') + 1).trim())
                    .findFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
