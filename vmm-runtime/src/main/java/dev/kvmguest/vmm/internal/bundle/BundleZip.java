package dev.kvmguest.vmm.internal.bundle;

import dev.kvmguest.vmm.text.ConsoleText;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * The zip of a bundle. It is written the same each time. It is read into memory, from its first byte to its last, and
 * what its headers say of sizes is not believed: reading ends where there is more than a bundle may have.
 */
public final class BundleZip {

    /** The most bytes that a bundle may have, packed or not: 128 MiB, which any JVM can hold. */
    public static final int MOST_BYTES = 128 << 20;

    /** The most files that a bundle may have. */
    static final int MOST_ENTRIES = 1000;

    private static final int LONGEST_NAME = 200;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*");
    private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*");

    /** The first year that a zip knows. */
    private static final LocalDateTime TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

    private static final byte[] FIRST_ENTRY = {'P', 'K', 3, 4};
    private static final byte[] END = {'P', 'K', 5, 6};
    /** Bytes of that record without a comment. */
    private static final int SHORTEST_END = 22;
    /** The record at the end, and the longest comment after it. */
    private static final int LONGEST_END = SHORTEST_END + 0xffff;

    private BundleZip() {}

    /** Returns the zip of these files, in their order. */
    static byte[] write(Map<String, byte[]> files) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes, StandardCharsets.UTF_8)) {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                ZipEntry entry = new ZipEntry(file.getKey());
                entry.setTimeLocal(TIME);
                zip.putNextEntry(entry);
                zip.write(file.getValue());
                zip.closeEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /**
     * Returns the files in a zip, by their names.
     *
     * @param file what it is called in messages
     * @throws IllegalArgumentException if it is no zip, is damaged, or has what no bundle has
     */
    static SortedMap<String, byte[]> read(String file, byte[] zip) {
        if (zip.length > MOST_BYTES) {
            throw BundleException.forged(file, "it is larger than the " + MOST_BYTES + " bytes that a bundle may have");
        }
        if (!startsWith(zip, 0, FIRST_ENTRY) && !startsWith(zip, 0, END)) {
            throw BundleException.foreign(file, "it is no zip file");
        }
        if (!hasEnd(zip)) {
            throw BundleException.damaged(file, "it is cut off, since the list at the end of the zip is missing");
        }
        return new Reader(file).read(zip);
    }

    private static boolean startsWith(byte[] bytes, int from, byte[] start) {
        return bytes.length - from >= start.length
                && Arrays.equals(bytes, from, from + start.length, start, 0, start.length);
    }

    private static boolean hasEnd(byte[] zip) {
        int at = zip.length - SHORTEST_END;
        int first = Math.max(0, zip.length - LONGEST_END);
        while (at >= first && !isEnd(zip, at)) {
            at--;
        }
        return at >= first;
    }

    /** Returns whether the record that ends a zip is at an index, with its comment up to the last byte. */
    private static boolean isEnd(byte[] zip, int at) {
        if (!startsWith(zip, at, END)) {
            return false;
        }
        int comment = zip[at + SHORTEST_END - 2] & 0xff | (zip[at + SHORTEST_END - 1] & 0xff) << 8;
        return at + SHORTEST_END + comment == zip.length;
    }

    /** Reads one zip. */
    private static final class Reader {

        private final String file;
        private final SortedMap<String, byte[]> files = new TreeMap<>();
        /** Names as file systems compare them that don't tell upper case from lower case. */
        private final Set<String> taken = new HashSet<>();

        private long left = MOST_BYTES;

        Reader(String file) {
            this.file = file;
        }

        SortedMap<String, byte[]> read(byte[] bytes) {
            String name = "";
            try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(bytes), StandardCharsets.UTF_8)) {
                for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                    name = entry.getName();
                    requireName(name);
                    if (files.size() == MOST_ENTRIES) {
                        throw BundleException.forged(file, "it has more than " + MOST_ENTRIES + " entries");
                    }
                    files.put(name, content(name, zip));
                }
            } catch (EOFException e) {
                throw BundleException.damaged(file, "it ends " + after(name));
            } catch (IOException e) {
                throw BundleException.damaged(file, "it can't be unpacked " + after(name) + ": " + e.getMessage());
            } catch (BundleException e) {
                throw e;
            } catch (IllegalArgumentException e) {
                // The JDK's word for a name that is not in UTF-8.
                throw BundleException.forged(file, "the entry after \"" + name + "\" has a name that can't be read");
            }
            return files;
        }

        private static String after(String name) {
            return name.isEmpty() ? "at its first entry" : "in or after entry \"" + name + "\"";
        }

        private byte[] content(String name, InputStream in) throws IOException {
            byte[] content = in.readNBytes((int) left + 1);
            if (content.length > left) {
                throw BundleException.forged(
                        file,
                        "unpacked it is larger than the " + MOST_BYTES + " bytes that a bundle may have, at entry \""
                                + name + "\"");
            }
            left -= content.length;
            return content;
        }

        private void requireName(String name) {
            String entry = "entry " + ConsoleText.quoted(name) + " ";
            if (name.indexOf('\\') >= 0) {
                throw BundleException.forged(file, entry + "has a backslash in its name");
            }
            if (name.startsWith("/") || DRIVE.matcher(name).matches()) {
                throw BundleException.forged(file, entry + "has an absolute path");
            }
            if (Arrays.asList(name.split("/", -1)).contains("..")) {
                throw BundleException.forged(file, entry + "leads out of its folder");
            }
            if (name.length() > LONGEST_NAME
                    || !NAME.matcher(name).matches()
                    || Arrays.asList(name.split("/")).contains(".")) {
                throw BundleException.forged(file, entry + "has a name that no file of a bundle has");
            }
            if (!taken.add(name.toLowerCase(Locale.ROOT))) {
                throw BundleException.forged(file, entry + "is there twice");
            }
        }
    }
}
