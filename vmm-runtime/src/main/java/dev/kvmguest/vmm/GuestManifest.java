package dev.kvmguest.vmm;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What {@code kvm:assemble} says about a guest that it built: which file to boot and how.
 *
 * <p>It lies at {@code META-INF/kvm-guests/ID/guest.properties} on the module's classpath, with the guest's files beside
 * it. A value left out means the default of the boot mode.
 *
 * @param id the guest's name: letters, digits, {@code .}, {@code _} and {@code -}
 * @param image the file to boot, relative to the manifest
 * @param boot the state at entry
 * @param load the physical address of the image's first byte
 * @param entry where the guest starts
 * @param memory guest RAM in bytes
 */
public record GuestManifest(
        String id, String image, BootMode boot, OptionalLong load, Optional<EntryPoint> entry, OptionalLong memory) {

    /** The folder on the classpath below which every guest has a folder of its own. */
    public static final String ROOT = "META-INF/kvm-guests/";

    /** The manifest's file name in the guest's folder. */
    public static final String FILE_NAME = "guest.properties";

    private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");
    private static final Set<String> KEYS = Set.of("id", "image", "boot", "load", "entry", "memory");

    public GuestManifest {
        requireValidId(id);
        if (!PLAIN_NAME.matcher(image).matches()) {
            throw new IllegalArgumentException("image \"" + image
                    + "\" must be the plain name of a file beside the manifest: letters, digits, '.', '_' and '-'");
        }
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

    /** Returns the manifest's text, one {@code key=value} a line in a fixed order, lines ended by LF. */
    public String toText() {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("id", id);
        values.put("image", image);
        values.put("boot", boot.id());
        load.ifPresent(address -> values.put("load", Notation.hex(address)));
        entry.ifPresent(point -> values.put("entry", point.toString()));
        memory.ifPresent(bytes -> values.put("memory", Long.toString(bytes)));
        StringBuilder text = new StringBuilder();
        values.forEach(
                (key, value) -> text.append(key).append('=').append(value).append('\n'));
        return text.toString();
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
            return new GuestManifest(
                    required(properties, "id"),
                    required(properties, "image"),
                    BootMode.parse(required(properties, "boot")),
                    optionalNumber(properties, "load"),
                    Optional.ofNullable(properties.getProperty("entry")).map(EntryPoint::parse),
                    optionalNumber(properties, "memory"));
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
     * @throws IllegalArgumentException if there is none, or more than one, with this id
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
     * A manifest and where it lies.
     *
     * @param manifest the manifest
     * @param url its own address
     */
    public record Located(GuestManifest manifest, URL url) {

        /**
         * Reads the image that the manifest names.
         *
         * @throws IOException if the file is missing or can't be read
         */
        public GuestImage image() throws IOException {
            return GuestImage.read(manifest.id(), sibling(manifest.image()));
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

    private static OptionalLong optionalNumber(Properties properties, String key) {
        String value = properties.getProperty(key);
        return value == null ? OptionalLong.empty() : OptionalLong.of(Notation.parseAddress(key, value));
    }
}
