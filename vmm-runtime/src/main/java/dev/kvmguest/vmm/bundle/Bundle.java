package dev.kvmguest.vmm.bundle;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.internal.bundle.BundleContents;
import dev.kvmguest.vmm.internal.bundle.BundleRun;
import dev.kvmguest.vmm.internal.bundle.BundleZip;
import dev.kvmguest.vmm.internal.bundle.EndFacts;
import dev.kvmguest.vmm.internal.run.ReplayedRun;
import dev.kvmguest.vmm.report.ReportFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;

/**
 * A run of one vCPU in a zip file: what its machine was booted from, what it exchanged with it, its reports, and what
 * the host could do. {@link dev.kvmguest.vmm.Machine#bundle} makes one; {@link #replay} runs the guest once more on any
 * machine, without KVM. Immutable.
 *
 * <p>A bundle may come from anybody. Reading one writes nothing. Its guest runs in the emulator, and reaches nothing of
 * the host.
 */
public final class Bundle {

    /** The version of the form that is written, and the only one that is read. */
    public static final int FORMAT = BundleContents.FORMAT;

    /** The end of a bundle's file name. */
    public static final String SUFFIX = ".bundle.zip";

    private final byte[] bytes;
    private final BundleContents contents;

    private Bundle(byte[] bytes, BundleContents contents) {
        this.bytes = bytes;
        this.contents = contents;
    }

    /**
     * Reads a bundle.
     *
     * @throws IOException if the file can't be read
     * @throws IllegalArgumentException if it is no bundle, is damaged, has what no bundle has, or is of another version
     *     of the form; the message names the file and the way out
     */
    public static Bundle read(Path file) throws IOException {
        String name = file.getFileName().toString();
        // Not all of a large file, which is no bundle, whatever it is.
        byte[] bytes;
        try (var in = Files.newInputStream(file)) {
            bytes = in.readNBytes(BundleZip.MOST_BYTES + 1);
        }
        return of(name, bytes);
    }

    /**
     * Returns the bundle that bytes are.
     *
     * @param name what it is called in messages
     * @throws IllegalArgumentException as {@link #read} says
     */
    public static Bundle of(String name, byte[] zip) {
        byte[] bytes = zip.clone();
        return new Bundle(bytes, BundleContents.read(name, bytes));
    }

    /** Returns the zip file. */
    public byte[] bytes() {
        return bytes.clone();
    }

    /**
     * Writes the zip file, in place of one that is there, and makes the folders that it needs.
     *
     * @throws IOException if it can't be written
     */
    public void write(Path file) throws IOException {
        ReportFile.write(file, bytes);
    }

    /** Returns the version of kvmguest that made it. */
    public String product() {
        return contents.product();
    }

    /** Returns the machine that was run. */
    public MachineConfig config() {
        return contents.config();
    }

    /** Returns the number of the vCPU whose run it is, from 0. */
    public int vcpu() {
        return contents.vcpu();
    }

    /** Returns the name of the engine that ran it, such as {@code kvm}. */
    public String engine() {
        return contents.engine();
    }

    /**
     * Returns why the run can't be replayed, so that its guest is booted anew instead, as a sentence without a full
     * stop; empty if it can.
     */
    public Optional<String> whyNotRecorded() {
        return contents.recording().isPresent()
                ? Optional.empty()
                : contents.whyNotRecorded().or(() -> Optional.of("it has no recording"));
    }

    /** Returns all files but {@code bundle.json}, by their names with {@code /} between folders; not to be changed. */
    public SortedMap<String, byte[]> files() {
        return Collections.unmodifiableSortedMap(contents.files());
    }

    /**
     * Runs the guest once more on the emulator, from its boot to its end, with what was recorded in its machine's
     * place. Where nothing was recorded it is booted anew, with the input that was typed before its start. It is
     * examined as any other run.
     *
     * @param limit how long the guest may take on the host's clock; what comes of it is examined for some seconds more
     * @throws IllegalArgumentException if an image can't be placed as the configuration says
     * @throws dev.kvmguest.vmm.config.VmmException if the emulator can't have such a machine
     */
    public BundleReplay replay(Duration limit) {
        ReplayedRun.Result result = BundleRun.of(contents, limit);
        return new BundleReplay(
                result.outcome(),
                contents.engine(),
                whyNotRecorded(),
                result.divergence(),
                contents.end().differences(EndFacts.of(result.outcome())));
    }

    /**
     * Writes the files into a folder, which is made if it isn't there.
     *
     * @return where the files are, in their order
     * @throws IOException if a file is there already, or the way to it leads elsewhere by a link, and nothing is
     *     written then; or if one can't be written
     */
    public List<Path> unpack(Path folder) throws IOException {
        List<Path> paths = new ArrayList<>();
        for (String name : contents.files().keySet()) {
            Path path = folder.resolve(name);
            requireFree(folder, path);
            paths.add(path);
        }
        int i = 0;
        for (Map.Entry<String, byte[]> file : contents.files().entrySet()) {
            ReportFile.write(paths.get(i++), file.getValue());
        }
        return paths;
    }

    private static void requireFree(Path folder, Path path) throws IOException {
        // Names were looked at when the zip was read; this is the second lock on the door.
        if (!path.normalize().startsWith(folder.normalize())) {
            throw new IOException(path + " is not in " + folder);
        }
        for (Path part = path.getParent(); !part.equals(folder); part = part.getParent()) {
            if (Files.exists(part, LinkOption.NOFOLLOW_LINKS) && !Files.isDirectory(part, LinkOption.NOFOLLOW_LINKS)) {
                throw new IOException(part + " is there and no folder; name an empty folder");
            }
        }
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(path + " is there already; name an empty folder, or remove it");
        }
    }
}
