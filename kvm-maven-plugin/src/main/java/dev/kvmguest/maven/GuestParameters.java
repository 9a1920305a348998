package dev.kvmguest.maven;

import dev.kvmguest.maven.assemble.GuestSpec;
import dev.kvmguest.maven.assemble.ImageSpec;
import dev.kvmguest.maven.assemble.SourceTree;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.text.Notation;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.apache.maven.plugin.MojoExecutionException;

/** Reads the {@code <guests>} of a POM, and names the element that has a bad value. */
final class GuestParameters {

    private final Path basedir;

    /** Creates a reader that resolves relative paths against this folder. */
    GuestParameters(Path basedir) {
        this.basedir = basedir;
    }

    /** Reads a value. */
    @FunctionalInterface
    private interface Reading<T> {

        T read() throws IOException;
    }

    /**
     * Returns the guests to build, in the order of the POM.
     *
     * @throws MojoExecutionException if a value of any guest is missing or bad
     */
    List<GuestSpec> read(List<Guest> guests) throws MojoExecutionException {
        List<GuestSpec> specs = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < guests.size(); i++) {
            String id = readId(guests.get(i), i + 1);
            requireNew(id, ids);
            if (guests.get(i).image == null) {
                specs.add(read(id, guests.get(i)));
            }
        }
        return specs;
    }

    /**
     * Returns the guests that are built elsewhere, in the order of the POM.
     *
     * @throws MojoExecutionException if a value of one is missing or bad
     */
    List<ImageSpec> readImages(List<Guest> guests) throws MojoExecutionException {
        List<ImageSpec> specs = new ArrayList<>();
        for (int i = 0; i < guests.size(); i++) {
            if (guests.get(i).image != null) {
                specs.add(readImage(readId(guests.get(i), i + 1), guests.get(i)));
            }
        }
        return specs;
    }

    private ImageSpec readImage(String id, Guest guest) throws MojoExecutionException {
        requireNothingToBuild(id, guest);
        Path file = path(guest.image);
        GuestImage image = value(at(id, "image"), () -> {
            if (!Files.isRegularFile(file)) {
                throw new IllegalArgumentException(
                        "there is no file " + file + "; build it before this goal runs, by make"
                                + " for instance, which a plugin can start in an earlier phase");
            }
            return GuestImage.read(file);
        });
        Optional<BootMode> boot =
                value(at(id, "boot"), () -> Optional.ofNullable(guest.boot).map(BootMode::parse));
        OptionalLong load = load(id, guest);
        Optional<EntryPoint> entry = entry(id, guest);
        OptionalLong memory = memory(id, guest);
        List<Path> modules = modules(id, guest);
        return value(
                "<guests><guest id=" + id + ">: ",
                () -> new ImageSpec(
                        id,
                        file,
                        image,
                        boot,
                        load,
                        entry,
                        memory,
                        Objects.requireNonNullElse(guest.commandLine, ""),
                        modules));
    }

    /** Refuses what says how to build a guest that is built elsewhere. */
    private static void requireNothingToBuild(String id, Guest guest) throws MojoExecutionException {
        Map<String, Boolean> given = new LinkedHashMap<>();
        given.put("sources", guest.sources != null);
        given.put("excludes", !guest.excludes.isEmpty());
        given.put("linkerScript", guest.linkerScript != null);
        given.put("compilerArgs", !guest.compilerArgs.isEmpty());
        given.put("linkerArgs", !guest.linkerArgs.isEmpty());
        given.put("includes", !guest.includes.isEmpty());
        given.put("toolchain", guest.toolchain != null);
        given.put("arch", guest.arch != null);
        for (Map.Entry<String, Boolean> element : given.entrySet()) {
            if (element.getValue()) {
                throw new MojoExecutionException(at(id, element.getKey()) + "this guest also has <image> " + guest.image
                        + ", which is built elsewhere: leave out <image> to have the guest built here, or <"
                        + element.getKey() + "> to take the image as it is");
            }
        }
    }

    /** Returns the id of the guest with this number, from 1. */
    static String readId(Guest guest, int number) throws MojoExecutionException {
        String where = "<guests><guest><id>, guest number " + number + ": ";
        if (guest.id == null || guest.id.isBlank()) {
            throw new MojoExecutionException(where + "the id is missing; add <id>NAME</id>");
        }
        try {
            return GuestManifest.requireValidId(guest.id.trim());
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException(where + e.getMessage(), e);
        }
    }

    /** Adds an id to those that earlier guests have. */
    static void requireNew(String id, Set<String> taken) throws MojoExecutionException {
        if (!taken.add(id)) {
            throw new MojoExecutionException(
                    at(id, "id") + "the id \"" + id + "\" is taken by an earlier guest; give each its own");
        }
    }

    private GuestSpec read(String id, Guest guest) throws MojoExecutionException {
        ToolchainKind toolchain = value(
                at(id, "toolchain"),
                () -> guest.toolchain == null ? ToolchainKind.LLVM : ToolchainKind.parse(guest.toolchain));
        BootMode boot = value(at(id, "boot"), () -> guest.boot == null ? BootMode.REAL : BootMode.parse(guest.boot));
        Architecture arch = value(
                at(id, "arch"), () -> guest.arch == null ? Architecture.of(boot) : Architecture.parse(guest.arch));
        OptionalLong load = load(id, guest);
        Optional<EntryPoint> entry = entry(id, guest);
        OptionalLong memory = memory(id, guest);
        Path folder = guest.sources == null ? basedir.resolve("src/main/guest").resolve(id) : path(guest.sources);
        List<Path> excludes = value(at(id, "excludes"), () -> requireNoEmpty(guest.excludes).stream()
                .map(exclude -> requireBelow(folder, exclude))
                .toList());
        SourceTree sources = value(at(id, "sources"), () -> SourceTree.find(folder, excludes));
        Optional<Path> linkerScript = value(
                at(id, "linkerScript"),
                () -> Optional.ofNullable(guest.linkerScript).map(this::path).map(GuestParameters::requireFile));
        List<String> compilerArgs = value(at(id, "compilerArgs"), () -> requireNoEmpty(guest.compilerArgs));
        List<String> linkerArgs = value(at(id, "linkerArgs"), () -> requireNoEmpty(guest.linkerArgs));
        List<Path> includes = value(at(id, "includes"), () -> guest.includes.stream()
                .map(this::path)
                .map(GuestParameters::requireFolder)
                .toList());
        List<Path> modules = modules(id, guest);
        return value(
                "<guests><guest id=" + id + ">: ",
                () -> new GuestSpec(
                        id,
                        sources,
                        linkerScript,
                        boot,
                        load,
                        entry,
                        memory,
                        compilerArgs,
                        linkerArgs,
                        includes,
                        toolchain,
                        arch,
                        Objects.requireNonNullElse(guest.commandLine, ""),
                        modules));
    }

    private static OptionalLong load(String id, Guest guest) throws MojoExecutionException {
        return number(at(id, "load"), guest.load, text -> Notation.parseAddress("load", text));
    }

    private static Optional<EntryPoint> entry(String id, Guest guest) throws MojoExecutionException {
        return value(at(id, "entry"), () -> Optional.ofNullable(guest.entry).map(EntryPoint::parse));
    }

    private static OptionalLong memory(String id, Guest guest) throws MojoExecutionException {
        return number(at(id, "memory"), guest.memory, text -> Notation.parseSize("memory", text));
    }

    private List<Path> modules(String id, Guest guest) throws MojoExecutionException {
        return value(at(id, "modules"), () -> requireNoEmpty(guest.modules).stream()
                .map(this::path)
                .map(GuestParameters::requireFile)
                .toList());
    }

    private static OptionalLong number(String where, String text, ToLongFunction<String> reading)
            throws MojoExecutionException {
        return value(where, () -> text == null ? OptionalLong.empty() : OptionalLong.of(reading.applyAsLong(text)));
    }

    private static <T> T value(String where, Reading<T> reading) throws MojoExecutionException {
        try {
            return reading.read();
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException(where + e.getMessage(), e);
        } catch (IOException e) {
            throw new MojoExecutionException(where + "can't be read: " + Reasons.of(e), e);
        }
    }

    /** Returns how an error names an element of a guest. */
    static String at(String id, String element) {
        return "<guests><guest id=" + id + "><" + element + ">: ";
    }

    private Path path(File file) {
        return basedir.resolve(file.toPath()).normalize();
    }

    /** Maven makes null of an element without text. */
    private static <T> List<T> requireNoEmpty(List<T> elements) {
        for (int i = 0; i < elements.size(); i++) {
            if (elements.get(i) == null) {
                throw new IllegalArgumentException(
                        "element number " + (i + 1) + " is empty; give it a value, or leave the element out");
            }
        }
        return elements;
    }

    private static Path requireBelow(Path folder, String exclude) {
        Path path = folder.resolve(exclude).normalize();
        if (path.equals(folder) || !path.startsWith(folder) || !Files.exists(path)) {
            throw new IllegalArgumentException("there is no file or folder " + exclude + " in the sources, " + folder
                    + "; name one by its path from there, without wildcards, or leave the element out");
        }
        return path;
    }

    private static Path requireFile(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException(
                    "the file " + file + " does not exist; create it, or leave the element out");
        }
        return file;
    }

    private static Path requireFolder(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException(
                    "the folder " + folder + " does not exist; create it, or leave the element out");
        }
        return folder;
    }
}
