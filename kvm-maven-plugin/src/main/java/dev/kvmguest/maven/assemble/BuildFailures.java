package dev.kvmguest.maven.assemble;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Why guests could not be built, for kvm:check and kvm:verify. A guest that is built again leaves nothing of that
 * behind.
 */
public final class BuildFailures {

    private static final String FILE_NAME = "build-failure.txt";

    private final Path workRoot;

    /**
     * Creates a view of the failures.
     *
     * @param workRoot the folder with a folder of intermediate files for each guest
     */
    public BuildFailures(Path workRoot) {
        this.workRoot = workRoot;
    }

    /** Records why a guest could not be built. */
    public void record(String id, String reason) throws IOException {
        Path file = file(id);
        Files.createDirectories(file.getParent());
        Files.writeString(file, reason);
    }

    /** Returns why a guest could not be built; empty if it could, or has not been tried. */
    public Optional<String> of(String id) throws IOException {
        Path file = file(id);
        return Files.isRegularFile(file) ? Optional.of(Files.readString(file)) : Optional.empty();
    }

    /** Returns why each of the guests could not be built that could not, by their ids, in alphabetical order. */
    public Map<String, String> all() throws IOException {
        Map<String, String> reasons = new TreeMap<>();
        if (Files.isDirectory(workRoot)) {
            List<String> ids;
            try (Stream<Path> folders = Files.list(workRoot)) {
                ids = folders.map(folder -> folder.getFileName().toString()).toList();
            }
            for (String id : ids) {
                Optional<String> reason = of(id);
                reason.ifPresent(text -> reasons.put(id, text));
            }
        }
        return reasons;
    }

    private Path file(String id) {
        return workRoot.resolve(id).resolve(FILE_NAME);
    }
}
