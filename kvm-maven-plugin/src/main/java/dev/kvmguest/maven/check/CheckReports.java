package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.ReportFile;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The folder of reports: what one build's kvm:check writes and its kvm:verify reads. A file that can't be written keeps
 * no other from being written; it is a complaint, which fails the build after all verdicts have been told.
 */
public final class CheckReports {

    private final Path folder;
    private final String build;
    private final SourceFolders sources;
    private final List<String> complaints = new ArrayList<>();
    /** What is written of a check stays the same when its guest's next check ends. */
    private final Map<CheckResult, String> testCases = new IdentityHashMap<>();

    private final Map<String, List<CheckResult>> soFar = new LinkedHashMap<>();

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

    /** Returns the summary of this build; empty if there is none, or only another build's. */
    public Optional<Summary> summary() throws IOException {
        return lastSummary().filter(summary -> summary.build().equals(build));
    }

    /** Returns the summary of the build that was here last, this one or another; empty if there is none. */
    public Optional<Summary> lastSummary() throws IOException {
        Path file = folder.resolve(Summary.FILE_NAME);
        String xml;
        try {
            xml = Files.readString(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        try {
            return Optional.of(Summary.parse(xml));
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": " + e.getMessage() + "; delete it", e);
        }
    }

    /**
     * Removes the results of an earlier build, so that they outlive neither a check that is no more nor a build that
     * breaks off. What this build has written stays, unless the checks are run again.
     *
     * @param checks what this build will run
     */
    public void removeStale(List<GuestCheck> checks) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        for (GuestCheck check : checks) {
            Stream.of(check.jsonFileName(), check.pageFileName(), check.pictureFileName())
                    .map(folder::resolve)
                    .forEach(this::remove);
        }
        if (isOfThisBuild()) {
            return;
        }
        remove(folder.resolve(Summary.FILE_NAME));
        remove(folder.resolve(PointsTable.FILE_NAME));
        attempt("the reports of an earlier build in " + folder + " can't be removed", () -> {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, JUnitXml.fileName("*"))) {
                files.forEach(this::remove);
            }
            return null;
        });
    }

    /** Writes the reports of a check that has ended, and what is known of its guest so far. */
    public void write(CheckResult result) {
        GuestCheck check = result.check();
        write(
                check.jsonFileName(),
                () -> utf8(result.outcome()
                        .map(outcome -> JsonReport.of(outcome, result.mismatches()))
                        .orElseGet(() -> JsonReport.ofRefusal(check.guest(), result.reason()))));
        Optional<Outcome> failed = result.outcome().filter(outcome -> result.verdict() == CheckResult.Verdict.FAIL);
        failed.map(Outcome::screen)
                .filter(Predicate.not(Screen::isBlank))
                .ifPresent(screen -> write(check.pictureFileName(), screen::toPng));
        failed.ifPresent(outcome -> write(
                check.pageFileName(),
                () -> utf8(HtmlReport.of(List.of(outcome), sources, check.toString(), run -> result.mismatches()))));
        soFar.computeIfAbsent(check.guest(), id -> new ArrayList<>()).add(result);
        writeXml(check.guest(), soFar.get(check.guest()));
    }

    /**
     * Writes what is said of an execution as a whole, once all of its checks have been written, and adds it to this
     * build's summary.
     *
     * @param results the results in the order of the POM
     * @return the summary, whether it could be written or not
     */
    public Summary write(String execution, List<CheckResult> results) {
        Map<String, List<CheckResult>> byGuest = results.stream()
                .collect(Collectors.groupingBy(
                        result -> result.check().guest(), LinkedHashMap::new, Collectors.toList()));
        byGuest.forEach(this::writeXml);
        Summary before = attempt("what this build has checked before is not known", this::summary)
                .flatMap(summary -> summary)
                .orElse(Summary.empty(build));
        Summary summary = before.with(execution, results, complaints, this::report);
        if (PointsTable.hasPoints(summary)) {
            write(PointsTable.FILE_NAME, () -> utf8(PointsTable.of(summary)));
        }
        int known = complaints.size();
        write(Summary.FILE_NAME, () -> utf8(summary.toXml()));
        return complaints.size() == known ? summary : before.with(execution, results, complaints, this::report);
    }

    /** Returns whether kvm:verify will find the summary. */
    public boolean isSummaryWritten() {
        return isOfThisBuild();
    }

    /** Adds something to say after all verdicts have been told. */
    public void complain(String complaint) {
        complaints.add(complaint);
    }

    private void writeXml(String guest, List<CheckResult> results) {
        write(
                JUnitXml.fileName(guest),
                () -> utf8(
                        JUnitXml.of(guest, results, result -> testCases.computeIfAbsent(result, JUnitXml::testCase))));
    }

    private void write(String name, Callable<byte[]> content) {
        Path file = folder.resolve(name);
        attempt(file + " can't be written", () -> {
            ReportFile.write(file, content.call());
            return null;
        });
    }

    private void remove(Path file) {
        // What is no file is none of this plugin's.
        if (Files.isRegularFile(file)) {
            attempt(file + ", which is of an earlier build, can't be removed", () -> Files.deleteIfExists(file));
        }
    }

    /** Whatever goes wrong with a report, the verdict on its guest must be told nevertheless. */
    private <T> Optional<T> attempt(String failure, Callable<T> action) {
        try {
            return Optional.ofNullable(action.call());
        } catch (Exception e) {
            if (complaints.stream().noneMatch(complaint -> complaint.startsWith(failure))) {
                complaints.add(failure + ": " + e);
            }
            return Optional.empty();
        }
    }

    /** Returns which check did not pass, why, the report of its guest if that ran, and where the page lies. */
    private String report(CheckResult result) {
        Path page = folder.resolve(result.check().pageFileName());
        return result.outcome()
                .map(outcome -> TextReport.failure(result.check().toString(), result.mismatches())
                        + TextReport.brief(outcome).stripTrailing()
                        + (Files.isRegularFile(page) ? "\n" + HtmlReport.link(page) : ""))
                .orElseGet(() -> result.check() + " could not be run\n"
                        + result.reason().indent(2).stripTrailing());
    }

    private boolean isOfThisBuild() {
        try {
            return summary().isPresent();
        } catch (IOException e) {
            // Damaged, so an earlier build's: this one would have had to write it to its end.
            return false;
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
