package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.outcome.GuestTestResult;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What GitHub Actions shows of failures: annotations at the lines of a change, which are lines on the standard output
 * of a step, and the step's summary. See "Workflow commands for GitHub Actions" in GitHub's documentation.
 */
public final class GitHubActions {

    private static final Pattern PLACE = Pattern.compile("(.+):(\\d+)");

    private final Map<String, String> environment;
    private final Path sources;

    private GitHubActions(Map<String, String> environment, Path sources) {
        this.environment = environment;
        this.sources = sources;
    }

    /**
     * Returns what speaks to GitHub Actions; empty if that does not run this process.
     *
     * @param environment the environment variables
     * @param sources the folder that relative names of source files are relative to
     */
    public static Optional<GitHubActions> of(Map<String, String> environment, Path sources) {
        return "true".equals(environment.get("GITHUB_ACTIONS"))
                ? Optional.of(new GitHubActions(environment, sources))
                : Optional.empty();
    }

    /**
     * Returns the place in a guest's sources that its end is about: the failed assertion of an in-guest test, else the
     * line that raised the exception or where the guest hangs or halted, else that of a caller, else the in-guest test.
     *
     * @return file and line, such as {@code src/boot.S:6}; empty if the image does not say
     */
    public static Optional<String> place(Outcome outcome) {
        Diagnosis diagnosis = outcome.run().diagnosis();
        Optional<GuestTestResult> failed = outcome.run().guestTest().filter(result -> !result.passed());
        Stream<String> assertion = failed
                .flatMap(GuestTestResult::failure)
                .filter(failure -> !failure.file().isEmpty() && failure.line() > 0)
                .map(failure -> failure.file() + ":" + failure.line())
                .stream();
        Stream<String> instructions = Stream.of(
                        diagnosis.origin().map(Fault::at),
                        outcome.fault().map(Fault::at),
                        diagnosis.standstill().map(Standstill::at))
                .flatMap(at -> at.flatMap(GuestInstruction::source).stream());
        Stream<String> callers = diagnosis.inspection().map(Inspection::callChain).orElse(List.of()).stream()
                .filter(Inspection.Frame::certain)
                .flatMap(frame -> frame.source().stream());
        Stream<String> test = failed.map(GuestTestResult::test).map(one -> one.file() + ":" + one.line()).stream();
        return Stream.of(assertion, instructions, callers, test)
                .flatMap(places -> places)
                .findFirst();
    }

    /**
     * Returns the annotation of a failure, a line for the standard output, without a line end.
     *
     * @param place the file and line as an image or a compiler names them; empty if unknown
     * @param title what failed
     * @param message why, in any number of lines
     */
    public String error(Optional<String> place, String title, String message) {
        List<String> properties = new ArrayList<>();
        Optional<Matcher> fileAndLine = place.map(PLACE::matcher).filter(Matcher::matches);
        fileAndLine.ifPresent(found -> {
            properties.add("file=" + property(inWorkspace(found.group(1))));
            properties.add("line=" + found.group(2));
        });
        properties.add("title=" + property(title));
        return "::error " + String.join(",", properties) + "::" + data(message);
    }

    /**
     * Adds text to the step's summary, if the step has one.
     *
     * @param markdown the text, in GitHub's Markdown
     */
    public void summarize(String markdown) throws IOException {
        String file = environment.get("GITHUB_STEP_SUMMARY");
        if (file != null && !file.isEmpty()) {
            Files.writeString(Path.of(file), markdown, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
    }

    /** Returns a text for a cell of a Markdown table. */
    public static String cell(String text) {
        return text.strip()
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace("\\", "\\\\")
                .replace("|", "\\|")
                .replace("`", "\\`")
                .replace("*", "\\*")
                .replace("_", "\\_")
                .replaceAll("\\R", "<br>");
    }

    /** Returns a file's name relative to the workspace, which is what GitHub knows it by, if it is in there. */
    private String inWorkspace(String file) {
        String workspace = environment.get("GITHUB_WORKSPACE");
        Path path = sources.resolve(file).toAbsolutePath().normalize();
        if (workspace == null || workspace.isEmpty()) {
            return file;
        }
        Path root = Path.of(workspace).toAbsolutePath().normalize();
        return path.startsWith(root)
                ? root.relativize(path).toString().replace(path.getFileSystem().getSeparator(), "/")
                : file;
    }

    private static String data(String text) {
        return text.strip().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A");
    }

    private static String property(String text) {
        return data(text).replace(":", "%3A").replace(",", "%2C");
    }
}
