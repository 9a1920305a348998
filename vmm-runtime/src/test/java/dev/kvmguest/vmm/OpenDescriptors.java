package dev.kvmguest.vmm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What the file descriptors of this process refer to. */
public final class OpenDescriptors {

    private OpenDescriptors() {}

    /**
     * Returns the targets of all descriptors that stay open, sorted. Left out is what is the JVM's own affair: a
     * descriptor that is gone or another one at a second look, and jars, of which it opens one whenever it first loads a
     * class from it, which may be in the middle of a test. So is the folder that is listed here, which has two, and not
     * always the same ones.
     */
    public static List<String> now() throws IOException {
        Map<String, String> open = look();
        open.entrySet().retainAll(look().entrySet());
        return open.values().stream()
                .filter(target -> !target.endsWith(".jar"))
                .filter(target -> !target.matches("/proc/[0-9]+/fd"))
                .sorted()
                .toList();
    }

    private static Map<String, String> look() throws IOException {
        Map<String, String> targets = new TreeMap<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                try {
                    String number = descriptor.getFileName().toString();
                    targets.put(number, Files.readSymbolicLink(descriptor).toString());
                } catch (NoSuchFileException e) {
                    // Closed since it was listed.
                    continue;
                }
            }
        }
        return targets;
    }
}
