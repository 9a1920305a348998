package dev.kvmguest.vmm.internal.bundle;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.replay.RecordingCodec;
import dev.kvmguest.vmm.internal.report.json.JsonReader;
import dev.kvmguest.vmm.internal.report.json.JsonWriter;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;

/**
 * What a bundle says and has. The form is in docs/bundle.md.
 *
 * @param product the version of kvmguest that wrote it
 * @param config the machine
 * @param vcpu the number of the vCPU whose run it is
 * @param engine the name of the engine that ran it
 * @param end how it ended
 * @param recording what it exchanged with the machine; empty if that was not recorded, or is too long
 * @param whyNotRecorded why there is no recording, as a sentence without a full stop
 * @param files all files but {@code bundle.json}, by their names
 */
public record BundleContents(
        String product,
        MachineConfig config,
        int vcpu,
        String engine,
        EndFacts end,
        Optional<Recording> recording,
        Optional<String> whyNotRecorded,
        SortedMap<String, byte[]> files) {

    /** The version of the form. */
    public static final int FORMAT = 1;

    static final String MANIFEST = "bundle.json";
    private static final String KIND = "guest run";
    private static final String RECORDING = "recording.bin";
    private static final int LARGEST_MANIFEST = 16 << 20;

    /**
     * Returns the zip of a run's bundle.
     *
     * @param config the machine
     * @param outcome how the vCPU ended, whose run it is
     * @param recording what that exchanged with the machine; empty if nobody has recorded it
     * @param reports further files, for people, by their names
     * @throws IllegalArgumentException if an image was not read from a file; or if the bundle would be larger than
     *     {@link BundleZip#MOST_BYTES}
     */
    public static byte[] write(
            MachineConfig config, Outcome outcome, Optional<Recording> recording, Map<String, byte[]> reports) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        Map<String, Object> machine = MachineJson.write(config, files);
        Optional<Recording> kept = recording.filter(whole -> !whole.isTooLong());
        kept.ifPresent(whole -> files.put(RECORDING, RecordingCodec.encode(whole)));
        files.putAll(reports);
        Map<String, Object> run = new LinkedHashMap<>();
        run.put("vcpu", outcome.run().vcpu());
        run.put("engine", outcome.run().engine());
        run.put("recording", kept.map(whole -> RECORDING).orElse(null));
        run.put("whyNotRecorded", kept.isPresent() ? null : whyNot(outcome.run().engine(), recording));
        run.put("end", EndFacts.of(outcome).json());
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("format", FORMAT);
        all.put("bundle", KIND);
        all.put("product", ownVersion());
        all.put("machine", machine);
        all.put("run", run);
        all.put("files", list(files));
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put(MANIFEST, JsonWriter.write(all).getBytes(StandardCharsets.UTF_8));
        entries.putAll(files);
        long size = entries.values().stream().mapToLong(bytes -> bytes.length).sum();
        if (size > BundleZip.MOST_BYTES) {
            throw new IllegalArgumentException("the bundle would have " + size + " bytes, more than "
                    + BundleZip.MOST_BYTES + "; boot the guest with smaller modules");
        }
        return BundleZip.write(entries);
    }

    private static String whyNot(String engine, Optional<Recording> recording) {
        return recording.isPresent()
                ? "there were more exchanges than a recording keeps"
                : "engine " + engine + " records nothing";
    }

    private static List<Object> list(Map<String, byte[]> files) {
        List<Object> list = new ArrayList<>();
        files.forEach((name, content) -> {
            Map<String, Object> file = new LinkedHashMap<>();
            file.put("name", name);
            file.put("size", content.length);
            file.put("sha256", Digests.sha256(content));
            list.add(file);
        });
        return list;
    }

    /** Returns the version of this library. */
    static String ownVersion() {
        try (InputStream in = BundleContents.class.getResourceAsStream("version.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Reads a bundle.
     *
     * @param file what it is called in messages
     * @param zip its bytes
     * @throws IllegalArgumentException if it is no bundle, damaged, forged, or of another version of the form
     */
    public static BundleContents read(String file, byte[] zip) {
        SortedMap<String, byte[]> entries = BundleZip.read(file, zip);
        byte[] manifest = entries.remove(MANIFEST);
        if (manifest == null) {
            throw BundleException.foreign(file, "it is a zip file without " + MANIFEST);
        }
        try {
            return read(file, new JsonObject(JsonReader.read(text(manifest))), entries);
        } catch (BundleException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw BundleException.damaged(file, MANIFEST + ": " + e.getMessage());
        }
    }

    private static String text(byte[] manifest) {
        if (manifest.length > LARGEST_MANIFEST) {
            throw new IllegalArgumentException("it is larger than " + LARGEST_MANIFEST + " bytes");
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(manifest))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("it is not in UTF-8", e);
        }
    }

    private static BundleContents read(String file, JsonObject all, SortedMap<String, byte[]> files) {
        if (!all.ifPresent("bundle", all::text).filter(KIND::equals).isPresent()) {
            throw BundleException.foreign(file, "its " + MANIFEST + " is of something else");
        }
        long format = all.number("format", 0, Integer.MAX_VALUE);
        String product = all.text("product");
        if (format != FORMAT) {
            throw BundleException.otherFormat(file, format, FORMAT, product);
        }
        requireFiles(file, all.objects("files"), files);
        MachineConfig config = MachineJson.read(all.object("machine"), name -> file(files, name));
        JsonObject run = all.object("run");
        return new BundleContents(
                product,
                config,
                (int) run.number("vcpu", 0, config.vcpus().size() - 1),
                run.text("engine"),
                EndFacts.read(run.object("end")),
                run.ifPresent("recording", name -> recording(file, run.text(name), files)),
                run.ifPresent("whyNotRecorded", run::text),
                files);
    }

    private static byte[] file(Map<String, byte[]> files, String name) {
        byte[] content = files.get(name);
        if (content == null) {
            throw new IllegalArgumentException("file " + name + " is not in the list of files");
        }
        return content;
    }

    private static Recording recording(String file, String name, Map<String, byte[]> files) {
        try {
            return RecordingCodec.decode(file(files, name));
        } catch (IllegalArgumentException e) {
            throw BundleException.damaged(file, "entry \"" + name + "\": " + e.getMessage());
        }
    }

    private static void requireFiles(String file, List<JsonObject> list, SortedMap<String, byte[]> files) {
        Set<String> unlisted = new HashSet<>(files.keySet());
        for (JsonObject listed : list) {
            String name = listed.text("name");
            byte[] content = files.get(name);
            if (content == null) {
                throw BundleException.damaged(file, "entry \"" + name + "\" is missing");
            }
            if (listed.number("size", 0, Long.MAX_VALUE) != content.length
                    || !listed.text("sha256").equals(Digests.sha256(content))) {
                throw BundleException.damaged(file, "entry \"" + name + "\" is not as it was written");
            }
            unlisted.remove(name);
        }
        if (!unlisted.isEmpty()) {
            throw BundleException.forged(
                    file,
                    "entry \"" + unlisted.stream().sorted().findFirst().orElseThrow() + "\" is not listed in "
                            + MANIFEST);
        }
    }
}
