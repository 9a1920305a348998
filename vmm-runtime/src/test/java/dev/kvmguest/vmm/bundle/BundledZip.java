package dev.kvmguest.vmm.bundle;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** The zip of a bundle, taken apart to be put together in another way. */
final class BundledZip {

    static final String MANIFEST = "bundle.json";

    private final Map<String, byte[]> entries = new LinkedHashMap<>();

    static BundledZip of(Bundle bundle) {
        BundledZip zip = new BundledZip();
        try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(bundle.bytes()))) {
            for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                zip.entries.put(entry.getName(), in.readAllBytes());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return zip;
    }

    BundledZip put(String name, byte[] content) {
        entries.put(name, content);
        return this;
    }

    BundledZip remove(String name) {
        entries.remove(name);
        return this;
    }

    BundledZip replaceInManifest(String part, String by) {
        String manifest = new String(entries.get(MANIFEST), StandardCharsets.UTF_8);
        if (!manifest.contains(part)) {
            throw new IllegalArgumentException("there is no " + part + " in " + manifest);
        }
        return put(MANIFEST, manifest.replace(part, by).getBytes(StandardCharsets.UTF_8));
    }

    /** Returns a zip whose manifest lists the files as they are now, as somebody makes it who means harm. */
    byte[] relisted() {
        String manifest = new String(entries.get(MANIFEST), StandardCharsets.UTF_8);
        StringBuilder files = new StringBuilder();
        entries.forEach((name, content) -> {
            if (!name.equals(MANIFEST)) {
                files.append(files.length() == 0 ? "" : ", ")
                        .append("{\"name\": \"%s\", \"size\": %d, \"sha256\": \"%s\"}"
                                .formatted(name, content.length, sha256(content)));
            }
        });
        int start = manifest.indexOf("\"files\": [");
        return put(
                        MANIFEST,
                        (manifest.substring(0, start) + "\"files\": [" + files + "]}").getBytes(StandardCharsets.UTF_8))
                .zip();
    }

    byte[] zip() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
