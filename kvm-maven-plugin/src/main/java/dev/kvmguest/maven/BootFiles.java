package dev.kvmguest.maven;

import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.maven.plugin.MojoExecutionException;

/**
 * What a goal writes about the guest that it has run: the report, the page and the picture. A file that can't be
 * written is a complaint for after the diagnosis.
 */
final class BootFiles {

    private final String goal;
    private final OutputFile report;
    private final OutputFile page;
    private final OutputFile screenshot;
    private final List<String> complaints = new ArrayList<>();

    /**
     * Creates the files of a guest.
     *
     * @param goal the goal that writes them, such as {@code kvm:boot}, for the page's title
     */
    BootFiles(String goal, OutputFile report, OutputFile page, OutputFile screenshot) {
        this.goal = goal;
        this.report = report;
        this.page = page;
        this.screenshot = screenshot;
    }

    /**
     * Makes sure that no file takes the place of another one.
     *
     * @param inputs what the guest is booted from, and what each file is, in words that follow "is"
     * @throws MojoExecutionException if one does; nothing has been removed then
     */
    void requireFree(Map<Path, String> inputs) throws MojoExecutionException {
        Map<Path, String> taken = new LinkedHashMap<>(inputs);
        for (OutputFile output : List.of(report, page, screenshot)) {
            output.requireFree(taken);
            if (output.file() != null) {
                taken.put(output.file().toPath(), output.property() + " too");
            }
        }
    }

    /** Removes the files of an earlier run, so that they aren't taken for this one's if it breaks off. */
    void removeOld() {
        Stream.of(report, page, screenshot).map(OutputFile::removeOld).forEach(this::complain);
    }

    /** Writes the report of a guest that this host can't run. */
    void writeRefusal(String guest, String reason) {
        write(report, () -> utf8(JsonReport.ofRefusal(guest, reason)));
    }

    /**
     * Writes all files of a run.
     *
     * @param mismatches in what the run is not as expected
     * @param withPage whether a page is wanted
     * @param sources where the guest's source files are
     * @return a line that says where the page is; empty if there is none
     */
    Optional<String> write(Outcome outcome, List<Mismatch> mismatches, boolean withPage, SourceFolders sources) {
        write(report, () -> utf8(JsonReport.of(outcome, mismatches)));
        write(screenshot, () -> outcome.screen().toPng());
        if (!withPage || page.file() == null) {
            return Optional.empty();
        }
        String name = goal + " of " + outcome.run().guest();
        boolean written = write(page, () -> utf8(HtmlReport.of(List.of(outcome), sources, name, run -> mismatches)));
        return written ? Optional.of(HtmlReport.link(page.file().toPath())) : Optional.empty();
    }

    /** Returns which files could not be written or removed, and why. */
    List<String> complaints() {
        return List.copyOf(complaints);
    }

    private boolean write(OutputFile output, Callable<byte[]> content) {
        // That the old file could not be removed matters only if no new one comes.
        complaints.removeIf(complaint -> complaint.startsWith(output.property() + ":"));
        Optional<String> problem = output.write(content);
        complain(problem);
        return problem.isEmpty();
    }

    private void complain(Optional<String> problem) {
        problem.ifPresent(complaints::add);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
