package dev.kvmguest.vmm.config;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.Resources;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.text.Notation;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What {@code kvm:assemble} says about a guest that it built or took from elsewhere: which file to boot and how.
 *
 * <p>The file is {@code META-INF/kvm-guests/ID/guest.properties} on the module's class path, with the guest's files
 * beside it. A missing value means the default of the boot mode.
 *
 * @param id the guest's name: letters, digits, {@code .}, {@code _} and {@code -}
 * @param image the file to boot, relative to the manifest
 * @param boot the state at entry
 * @param load the physical address of the image's first byte
 * @param entry where the guest starts
 * @param memory guest RAM in bytes
 * @param commandLine what the kernel is told at boot; empty for nothing
 * @param modules the files loaded beside the kernel, relative to the manifest
 * @param origin the file that the image is a copy of, relative to the project that published it; empty for a guest that
 *     {@code kvm:assemble} built itself
 * @param arch what the guest is compiled for
 */
public record GuestManifest(
        String id,
        String image,
        BootMode boot,
        OptionalLong load,
        Optional<EntryPoint> entry,
        OptionalLong memory,
        String commandLine,
        List<String> modules,
        Optional<String> origin,
        Architecture arch) {

    /** The folder on the class path in which every guest has a folder of its own. */
    public static final String ROOT = "META-INF/kvm-guests/";

    /** The manifest's file name in the guest's folder. */
    public static final String FILE_NAME = "guest.properties";

    private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");
    private static final Set<String> KEYS =
            Set.of("id", "image", "boot", "load", "entry", "memory", "commandLine", "modules", "origin", "arch");

    /** Creates the manifest of a guest that {@code kvm:assemble} built itself for the boot mode's architecture. */
    public GuestManifest(
            String id,
            String image,
            BootMode boot,
            OptionalLong load,
            Optional<EntryPoint> entry,
            OptionalLong memory,
            String commandLine,
            List<String> modules) {
        this(id, image, boot, load, entry, memory, commandLine, modules, Optional.empty(), Architecture.of(boot));
    }

    public GuestManifest {
        requireValidId(id);
        requirePlainName("image", image);
        modules = List.copyOf(modules);
        modules.forEach(module -> requirePlainName("module", module));
    }

    /**
     * Returns a file name if a manifest can refer to it.
     *
     * @param what what the file is, as the error names it
     * @throws IllegalArgumentException if it can't
     */
    public static String requirePlainName(String what, String fileName) {
        if (!PLAIN_NAME.matcher(fileName).matches()) {
            throw new IllegalArgumentException(what + " \"" + fileName
                    + "\" must be the plain name of a file beside the manifest: letters, digits, '.', '_' and '-'");
        }
        return fileName;
    }

    /**
     * Returns the id if it can name a guest and its folder.
     *
     * @throws IllegalArgumentException if it can't
     */
    public static String requireValidId(String id) {
        if (!PLAIN_NAME.matcher(id).matches()) {
            throw new IllegalArgumentException("guest id \"" + id
                    + "\" may only have letters, digits, '.', '_' and '-', and starts with one of" + " the first two");
        }
        return id;
    }

    /** Returns the manifest's text: one {@code key=value} per line in a fixed order, lines ended by LF. */
    public String toText() {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("id", id);
        values.put("image", image);
        values.put("boot", boot.id());
        if (arch != Architecture.I386) {
            values.put("arch", arch.id());
        }
        load.ifPresent(address -> values.put("load", Notation.hex(address)));
        entry.ifPresent(point -> values.put("entry", point.toString()));
        memory.ifPresent(bytes -> values.put("memory", Long.toString(bytes)));
        if (!commandLine.isEmpty()) {
            values.put("commandLine", escaped(commandLine));
        }
        if (!modules.isEmpty()) {
            values.put("modules", String.join(",", modules));
        }
        origin.ifPresent(file -> values.put("origin", escaped(file)));
        StringBuilder text = new StringBuilder();
        values.forEach(
                (key, value) -> text.append(key).append('=').append(value).append('\n'));
        return text.toString();
    }

    /** Writes what {@link Properties} would read as something else: backslashes, line ends, blanks at the start. */
    private static String escaped(String value) {
        String text = value.replace("\\", "\\\\")
                .replace("\n", "\\n")
                .replace("\r", "\\r")
                .replace("\t", "\\t")
                .replace("\f", "\\f");
        return text.startsWith(" ") ? "\\" + text : text;
    }

    /**
     * Parses a manifest's text.
     *
     * @param source where the text comes from, as errors name it
     * @throws IllegalArgumentException if a key is unknown or missing or a value is malformed
     */
    public static GuestManifest parse(String text, String source) {
        try {
            Properties properties = properties(text);
            String id = required(properties, "id");
            String image = required(properties, "image");
            BootMode boot = BootMode.parse(required(properties, "boot"));
            return new GuestManifest(
                    id,
                    image,
                    boot,
                    optionalNumber(properties, "load"),
                    Optional.ofNullable(properties.getProperty("entry")).map(EntryPoint::parse),
                    optionalNumber(properties, "memory"),
                    properties.getProperty("commandLine", ""),
                    names(properties.getProperty("modules", "")),
                    Optional.ofNullable(properties.getProperty("origin")),
                    Optional.ofNullable(properties.getProperty("arch"))
                            .map(Architecture::parse)
                            .orElseGet(() -> Architecture.of(boot)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(source + ": " + e.getMessage(), e);
        }
    }

    private static Properties properties(String text) {
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(text));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (String key : properties.stringPropertyNames()) {
            if (!KEYS.contains(key)) {
                throw new IllegalArgumentException("key \"" + key + "\" is unknown");
            }
        }
        return properties;
    }

    /** Returns the resource name of this guest's folder, ending in a slash. */
    public static String folder(String id) {
        return ROOT + requireValidId(id) + "/";
    }

    /**
     * Finds a guest on a class path.
     *
     * @throws IllegalArgumentException if no guest, or more than one, has this id
     * @throws IOException if the manifest or image can't be read
     */
    public static Located find(ClassLoader loader, String id) throws IOException {
        String name = folder(id) + FILE_NAME;
        List<URL> found = new ArrayList<>();
        for (Enumeration<URL> urls = loader.getResources(name); urls.hasMoreElements(); ) {
            URL url = urls.nextElement();
            if (!found.contains(url)) {
                found.add(url);
            }
        }
        if (found.isEmpty()) {
            throw new IllegalArgumentException("guest \"" + id + "\" is not on the class path: " + name
                    + " was not found; is it among the guests that kvm:assemble builds, and has that run?");
        }
        if (found.size() > 1) {
            throw new IllegalArgumentException("guest \"" + id + "\" is on the class path more than once: " + found);
        }
        URL url = found.get(0);
        return new Located(parse(new String(Resources.read(url), StandardCharsets.UTF_8), url.toString()), url);
    }

    /**
     * Reads the manifest in a guest's folder.
     *
     * @throws IllegalArgumentException if the manifest is malformed
     * @throws IOException if it can't be read
     */
    public static Located read(Path folder) throws IOException {
        Path file = folder.resolve(FILE_NAME);
        return new Located(
                parse(Files.readString(file), file.toString()), file.toUri().toURL());
    }

    /**
     * A manifest and where it is.
     *
     * @param manifest the manifest
     * @param url its own address
     */
    public record Located(GuestManifest manifest, URL url) {

        /**
         * Reads the image that the manifest names. A flat binary gets the symbols, source lines and BSS of the ELF file
         * beside it that it was made from, if there is one.
         *
         * @throws IOException if the file is missing or can't be read
         */
        public GuestImage image() throws IOException {
            GuestImage image = GuestImage.read(manifest.id(), sibling(manifest.image()));
            return image.format() == GuestImage.Format.FLAT
                    ? elfBeside().map(image::withDetailsOf).orElse(image)
                    : image;
        }

        private Optional<GuestImage> elfBeside() {
            try {
                GuestImage elf = GuestImage.read(manifest.id(), sibling(manifest.id() + ".elf"));
                return Optional.of(elf).filter(found -> found.format().isElf());
            } catch (IOException | IllegalArgumentException e) {
                // It can be booted without; what the ELF file would add only makes checks of the layout sharper.
                return Optional.empty();
            }
        }

        /**
         * Reads the ELF file of the guest, with its symbols: the image itself, or the file that kvm:assemble leaves
         * beside a flat one.
         *
         * @throws IOException if the file is missing or can't be read
         */
        public GuestImage elf() throws IOException {
            return GuestImage.read(manifest.id(), sibling(manifest.image().replaceFirst("\\.bin$", ".elf")));
        }

        /**
         * Reads the modules that the manifest names. Each has its file's name as command line.
         *
         * @throws IOException if a file is missing or can't be read
         */
        public List<BootModule> modules() throws IOException {
            List<BootModule> modules = new ArrayList<>();
            for (String name : manifest.modules()) {
                modules.add(BootModule.read(name, sibling(name)));
            }
            return modules;
        }

        /**
         * Returns the files that the guest comes from, near which its sources are: the manifest or the jar that has it,
         * and the file that its image is a copy of. Those that aren't there any more are left out.
         */
        public List<Path> files() {
            List<Path> files = new ArrayList<>();
            SourceFolders.fileOf(url).ifPresent(file -> {
                manifest.origin().flatMap(origin -> above(file, origin)).ifPresent(files::add);
                files.add(file);
            });
            return files;
        }

        /**
         * Returns the file that the image is a copy of if it has been built again since, so that a boot of the copy
         * would surprise; empty if it has not, or if there is no such file.
         *
         * @throws IOException if a file can't be read
         */
        public Optional<Path> newerOrigin() throws IOException {
            Optional<Path> file =
                    SourceFolders.fileOf(url).flatMap(here -> manifest.origin().flatMap(origin -> above(here, origin)));
            boolean isNewer = file.isPresent()
                    && !Arrays.equals(Files.readAllBytes(file.get()), Resources.read(sibling(manifest.image())));
            return isNewer ? file : Optional.empty();
        }

        /** Returns the file of a name that is relative to a folder above another file: to the project's. */
        private static Optional<Path> above(Path file, String name) {
            try {
                for (Path folder = file.getParent(); folder != null; folder = folder.getParent()) {
                    Path found = folder.resolve(name).normalize();
                    if (Files.isRegularFile(found)) {
                        return Optional.of(found);
                    }
                }
            } catch (InvalidPathException e) {
                // Written on a host whose files have other names.
                return Optional.empty();
            }
            return Optional.empty();
        }

        private URL sibling(String fileName) throws IOException {
            // URI.resolve can't be used here: a jar: address is opaque to it.
            return new URL(url, fileName);
        }
    }

    private static String required(Properties properties, String key) {
        String value = properties.getProperty(key);
        if (value == null || value.isBlank()) {
            throw new IllegalArgumentException("key \"" + key + "\" is missing");
        }
        return value.trim();
    }

    private static List<String> names(String list) {
        return list.isBlank()
                ? List.of()
                : Stream.of(list.split(",", -1)).map(String::trim).toList();
    }

    private static OptionalLong optionalNumber(Properties properties, String key) {
        String value = properties.getProperty(key);
        return value == null ? OptionalLong.empty() : OptionalLong.of(Notation.parseAddress(key, value));
    }
}
