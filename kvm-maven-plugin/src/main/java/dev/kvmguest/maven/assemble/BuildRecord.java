package dev.kvmguest.maven.assemble;

import dev.kvmguest.maven.files.FileTrees;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * What a guest was built from and what came out, by content: the reason not to build it again.
 *
 * <p>Files are kept relative to the project's base directory, so that a project can be moved or copied.
 *
 * @param plan the digest of the commands
 * @param inputs the sources and all that they include
 * @param outputs what was put on the class path
 */
record BuildRecord(String plan, List<Entry> inputs, List<Entry> outputs) {

    /**
     * A file and its contents.
     *
     * @param digest the digest of the contents
     * @param file the file, relative to the base directory where possible
     */
    record Entry(String digest, String file) {

        boolean isCurrent(Path basedir) throws IOException {
            Path path = basedir.resolve(file);
            return Files.isRegularFile(path) && digest.equals(BuildRecord.digest(Files.readAllBytes(path)));
        }
    }

    private static final String FILE_NAME = "build-record.txt";
    private static final String HEADER = "kvmguest build record 1";

    /** Returns the record of a build that has just been done. */
    static BuildRecord of(Path basedir, String plan, List<Path> inputs, List<Path> outputs) throws IOException {
        return new BuildRecord(digest(plan), entries(basedir, inputs), entries(basedir, outputs));
    }

    private static List<Entry> entries(Path basedir, List<Path> files) throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (Path file : files) {
            entries.add(new Entry(digest(Files.readAllBytes(file)), RelativePaths.of(basedir, file)));
        }
        return entries;
    }

    /** Reads the record in a guest's folder of intermediate files; empty if there is none that can be understood. */
    static Optional<BuildRecord> read(Path work) throws IOException {
        Path file = work.resolve(FILE_NAME);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        List<String> lines = Files.readAllLines(file);
        if (lines.size() < 2 || !lines.get(0).equals(HEADER)) {
            return Optional.empty();
        }
        List<Entry> inputs = new ArrayList<>();
        List<Entry> outputs = new ArrayList<>();
        for (String line : lines.subList(2, lines.size())) {
            String[] parts = line.split(" ", 3);
            if (parts.length != 3) {
                return Optional.empty();
            }
            (parts[0].equals("output") ? outputs : inputs).add(new Entry(parts[1], parts[2]));
        }
        return Optional.of(new BuildRecord(lines.get(1), inputs, outputs));
    }

    void write(Path work) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add(HEADER);
        lines.add(plan);
        inputs.forEach(entry -> lines.add("input " + entry.digest() + " " + entry.file()));
        outputs.forEach(entry -> lines.add("output " + entry.digest() + " " + entry.file()));
        Files.write(work.resolve(FILE_NAME), lines);
    }

    /** Returns whether these commands would make these outputs again, and they are all there, unaltered. */
    boolean isCurrent(Path basedir, String plan, List<Path> outputs) throws IOException {
        if (!this.plan.equals(digest(plan))
                || !this.outputs.stream()
                        .map(Entry::file)
                        .toList()
                        .equals(outputs.stream()
                                .map(file -> RelativePaths.of(basedir, file))
                                .toList())) {
            return false;
        }
        for (Entry entry : inputs) {
            if (!entry.isCurrent(basedir)) {
                return false;
            }
        }
        for (Entry entry : this.outputs) {
            if (!entry.isCurrent(basedir)) {
                return false;
            }
        }
        return true;
    }

    /** Removes the outputs, and their folders as far as they are empty then. */
    void deleteOutputs(Path basedir) throws IOException {
        for (Entry entry : outputs) {
            Path file = basedir.resolve(entry.file());
            Files.deleteIfExists(file);
            FileTrees.deleteIfEmpty(file.getParent());
        }
    }

    private static String digest(String text) {
        return digest(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
