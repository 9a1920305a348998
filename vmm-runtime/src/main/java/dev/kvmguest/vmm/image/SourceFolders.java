package dev.kvmguest.vmm.image;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where the source files that an image names are: relative to the folder in which its compiler ran, which is that of
 * the module that built it, and that may be another one than the module that boots it.
 *
 * <p>An image may name any file, and a report may be read by people who may not read all files of the machine that
 * wrote it. So only files of one build are found, those of all its modules: not by way of links that leave it, not
 * hidden ones, and only those whose names end as those of sources do.
 */
public final class SourceFolders {

    /** A source file is smaller; so that none takes much memory. */
    private static final long LARGEST = 4 << 20;

    private static final Set<String> SUFFIXES = Set.of(
            "c", "h", "s", "asm", "inc", "nasm", "cc", "cpp", "cxx", "hpp", "hh", "rs", "zig", "d", "ads", "adb", "pas",
            "go", "f90", "nim", "odin", "v");

    private static final Pattern MODULE = Pattern.compile("<module>\\s*([^<]+?)\\s*</module>");
    private static final List<String> GRADLE_ROOTS = List.of("settings.gradle", "settings.gradle.kts");

    private final Path root;
    private final Set<Path> folders = new LinkedHashSet<>();

    /**
     * Creates the folders of a module that has its guests' sources itself.
     *
     * @param module the module's folder
     */
    public SourceFolders(Path module) {
        this(module, List.of());
    }

    /**
     * Creates the folders of a module whose guests may come from other modules of its build.
     *
     * @param module the module's folder
     * @param guests the files that the guests were read from: images, manifests, or jars that have them
     */
    public SourceFolders(Path module, Collection<Path> guests) {
        Path own = module.toAbsolutePath().normalize();
        root = rootOf(own);
        // First where a guest was built: files of the same names in this module are other guests'.
        for (Path guest : guests) {
            for (Path folder = guest.toAbsolutePath().normalize().getParent();
                    folder != null && folder.startsWith(root);
                    folder = folder.getParent()) {
                folders.add(folder);
            }
        }
        folders.add(own);
    }

    /** Returns the file that a resource is in, or the jar that has it; empty if it comes from elsewhere. */
    public static Optional<Path> fileOf(URL resource) {
        try {
            if (resource.getProtocol().equals("jar")) {
                String jar = resource.getPath();
                return fileOf(new URL(jar.substring(0, Math.max(0, jar.indexOf("!/")))));
            }
            return resource.getProtocol().equals("file") ? Optional.of(Path.of(resource.toURI())) : Optional.empty();
        } catch (MalformedURLException
                | URISyntaxException
                | IllegalArgumentException
                | FileSystemNotFoundException e) {
            return Optional.empty();
        }
    }

    /**
     * Finds a source file.
     *
     * @param name its name as the image has it
     * @return the file; empty if there is none, or it may not be read
     */
    public Optional<Path> find(String name) {
        for (Path folder : folders) {
            try {
                Path named = folder.resolve(name).normalize();
                // Before the file system is asked at all: the mere question can go to another machine.
                if (named.startsWith(root) && Files.isRegularFile(named) && isReadable(named.toRealPath())) {
                    return Optional.of(named);
                }
            } catch (IOException | InvalidPathException | SecurityException e) {
                // Then it isn't there. A report is as good without; the file's name is in it all the same.
            }
        }
        return Optional.empty();
    }

    private boolean isReadable(Path file) throws IOException {
        Path realRoot = root.toRealPath();
        return file.startsWith(realRoot)
                && isSource(file)
                && !isHidden(realRoot.relativize(file))
                && Files.size(file) <= LARGEST;
    }

    private static boolean isSource(Path path) {
        String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
        return SUFFIXES.contains(name.substring(name.lastIndexOf('.') + 1));
    }

    private static boolean isHidden(Path path) {
        for (Path part : path) {
            if (part.toString().startsWith(".")) {
                return true;
            }
        }
        return false;
    }

    /** Returns the folder of the build that a module belongs to: the module's own if it is in no other. */
    private static Path rootOf(Path module) {
        Path root = module;
        for (Path above = module; above != null; above = above.getParent()) {
            if (listsModule(above, root) || isGradleRoot(above)) {
                root = above;
            }
        }
        return root;
    }

    private static boolean isGradleRoot(Path folder) {
        return GRADLE_ROOTS.stream().anyMatch(file -> Files.isRegularFile(folder.resolve(file)));
    }

    private static boolean listsModule(Path folder, Path module) {
        Path pom = folder.resolve("pom.xml");
        try {
            if (folder.equals(module) || !Files.isRegularFile(pom) || Files.size(pom) > LARGEST) {
                return false;
            }
            Matcher modules = MODULE.matcher(new String(Files.readAllBytes(pom), StandardCharsets.UTF_8));
            while (modules.find()) {
                Path listed = folder.resolve(modules.group(1)).normalize();
                if (listed.equals(module) || listed.equals(module.resolve("pom.xml"))) {
                    return true;
                }
            }
            return false;
        } catch (IOException | InvalidPathException | SecurityException e) {
            return false;
        }
    }
}
