package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Picture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.opentest4j.MultipleFailuresError;

/**
 * Carries the pictures of a failed comparison beside the failure, until the extension publishes them; then it says
 * where they are. AssertJ makes a new failure of each of its soft assertions, and keeps what is beside it.
 */
final class ScreenPictures extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** By their names, in the order in which they are published. */
    private final transient Map<String, Picture> pictures;

    private final transient Map<String, Path> files = new LinkedHashMap<>();

    ScreenPictures(Map<String, Picture> pictures) {
        super(null, null, false, false);
        this.pictures = new LinkedHashMap<>(pictures);
    }

    /** Returns the pictures that a failure, and those that it was made of, carry. */
    static List<ScreenPictures> of(Throwable failure) {
        List<ScreenPictures> found = new ArrayList<>();
        collect(failure, found, Collections.newSetFromMap(new IdentityHashMap<>()));
        return found;
    }

    private static void collect(Throwable failure, List<ScreenPictures> found, Set<Throwable> seen) {
        if (failure == null || !seen.add(failure)) {
            return;
        }
        if (failure instanceof ScreenPictures pictures) {
            found.add(pictures);
        }
        if (failure instanceof MultipleFailuresError several) {
            several.getFailures().forEach(one -> collect(one, found, seen));
        }
        List.of(failure.getSuppressed()).forEach(one -> collect(one, found, seen));
        collect(failure.getCause(), found, seen);
    }

    Map<String, Picture> pictures() {
        return pictures;
    }

    /** Takes note of where a picture was published. */
    void published(String name, Path file) {
        files.put(name, file);
    }

    /** Returns a line for each picture that was published, with LF between them; empty if none was. */
    String lines() {
        return files.entrySet().stream()
                .map(file -> file.getKey() + " picture: " + file.getValue().toAbsolutePath())
                .collect(Collectors.joining("\n"));
    }

    @Override
    public String getMessage() {
        return files.isEmpty()
                ? "the pictures were not published, which takes @KvmGuest and JUnit 5.12 or later"
                : lines();
    }
}
