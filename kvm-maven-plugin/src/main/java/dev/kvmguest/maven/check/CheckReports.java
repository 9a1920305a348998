package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The folder of reports: what one build's kvm:check writes and its kvm:verify reads. */
public final class CheckReports {

    private final Path folder;
    private final String build;
    private final SourceFolders sources;

    /**
     * Creates a view of the folder.
     *
     * @param folder the folder, which need not exist
     * @param build names this build, unlike any other
     * @param sources where the guests' source files are
     */
    public CheckReports(Path folder, String build, SourceFolders sources) {
        this.folder = folder;
        this.build = build;
        this.sources = sources;
    }

    /** Returns the summary of this build; empty if there is none, or only an earlier build's. */
    public Optional<Summary> summary() throws IOException {
        Path file = folder.resolve(Summary.FILE_NAME);
        String xml;
        try {
            xml = Files.readString(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        try {
            return Optional.of(Summary.parse(xml))
                    .filter(summary -> summary.build().equals(build));
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": " + e.getMessage() + "; delete it", e);
        }
    }

    /**
     * Removes the results of an earlier build, so that they outlive neither a check that is no more nor a build that
     * breaks off. What this build has written stays.
     */
    public void removeStale() throws IOException {
        if (!Files.isDirectory(folder) || isOfThisBuild()) {
            return;
        }
        Files.deleteIfExists(folder.resolve(Summary.FILE_NAME));
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, JUnitXml.fileName("*"))) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
    }

    /** Writes the reports of an execution's checks, and adds them to this build's summary. */
    public Summary write(String execution, List<CheckResult> results) throws IOException {
        Files.createDirectories(folder);
        Map<String, List<CheckResult>> byGuest = results.stream()
                .collect(Collectors.groupingBy(
                        result -> result.check().guest(), LinkedHashMap::new, Collectors.toList()));
        for (Map.Entry<String, List<CheckResult>> guest : byGuest.entrySet()) {
            Files.writeString(
                    folder.resolve(JUnitXml.fileName(guest.getKey())), JUnitXml.of(guest.getKey(), guest.getValue()));
        }
        for (CheckResult result : results) {
            String json = result.outcome()
                    .map(JsonReport::of)
                    .orElseGet(() -> JsonReport.ofRefusal(result.check().guest(), result.reason()));
            Files.writeString(folder.resolve(result.check().jsonFileName()), json);
            writePicture(result);
            writePage(result);
        }
        Summary summary = summary().orElse(Summary.empty(build)).with(execution, results, this::report);
        Files.writeString(folder.resolve(Summary.FILE_NAME), summary.toXml());
        return summary;
    }

    /** Leaves a picture of the screen beside a check that failed; an earlier build's must not outlive the failure. */
    private void writePicture(CheckResult result) throws IOException {
        Path file = folder.resolve(result.check().pictureFileName());
        Optional<Screen> screen = result.outcome()
                .map(Outcome::screen)
                .filter(shown -> result.verdict() == CheckResult.Verdict.FAIL && !shown.isBlank());
        if (screen.isPresent()) {
            Files.write(file, screen.get().toPng());
        } else {
            Files.deleteIfExists(file);
        }
    }

    /** Leaves a page beside a check that failed; an earlier build's must not outlive the failure. */
    private void writePage(CheckResult result) throws IOException {
        Path file = page(result);
        Optional<Outcome> failed = result.outcome().filter(outcome -> result.verdict() == CheckResult.Verdict.FAIL);
        if (failed.isPresent()) {
            Files.writeString(file, HtmlReport.of(List.of(failed.get()), sources));
        } else {
            Files.deleteIfExists(file);
        }
    }

    private Path page(CheckResult result) {
        return folder.resolve(result.check().pageFileName());
    }

    /** Returns the report of a guest that ran, and where its page lies. */
    private String report(CheckResult result) {
        return result.outcome()
                .map(outcome -> TextReport.brief(outcome) + HtmlReport.link(page(result)))
                .orElse("");
    }

    private boolean isOfThisBuild() {
        try {
            return summary().isPresent();
        } catch (IOException e) {
            // Damaged, so an earlier build's: this one would have had to write it to its end.
            return false;
        }
    }
}
