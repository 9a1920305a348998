package dev.kvmguest.vmm.internal.emulator.conformance;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * The 80286 tests of the SingleStepTests project, version 1.0.0, on this machine: a file {@code FORM.jsonl.gz} per
 * instruction form, a test per line. The project doesn't contain them.
 */
final class ConformanceData {

    private static final String PROPERTY = "kvmguest.conformance";
    private static final String BESIDE_THE_PROJECT = "../shared/conformance";
    private static final String SUFFIX = ".jsonl.gz";

    private ConformanceData() {}

    /**
     * Returns the directory of the tests, if it is there. A relative path counts from the project's root, wherever in the
     * project the tests are started.
     */
    static Optional<Path> directory() {
        Path configured = Path.of(System.getProperty(PROPERTY, BESIDE_THE_PROJECT));
        Path module = Path.of("").toAbsolutePath();
        return Stream.of(module, module.getParent())
                .map(base -> base.resolve(configured).resolve("80286").normalize())
                .filter(Files::isDirectory)
                .findFirst();
    }

    static boolean isHere() {
        return directory().isPresent();
    }

    /** Returns the instruction forms, sorted. */
    static List<String> forms() {
        try (Stream<Path> files = Files.list(directory().orElseThrow())) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(SUFFIX))
                    .map(name -> name.substring(0, name.length() - SUFFIX.length()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads the tests of one form. */
    static List<ConformanceCase> cases(String form) {
        Path file = directory().orElseThrow().resolve(form + SUFFIX);
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file), 1 << 16), StandardCharsets.UTF_8))) {
            return lines.lines().map(line -> ConformanceCase.parse(form, line)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
