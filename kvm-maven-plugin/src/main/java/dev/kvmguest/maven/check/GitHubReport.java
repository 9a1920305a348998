package dev.kvmguest.maven.check;

import dev.kvmguest.maven.check.CheckResult.Verdict;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.GitHubActions;
import dev.kvmguest.vmm.report.TextReport;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What GitHub Actions is told of checks: an annotation for each failure, and a table. */
public final class GitHubReport {

    /** A line of what is wrong with a build, such as {@code 1 error in src/boot.S:3: invalid mnemonic}. */
    private static final Pattern BUILD_ERROR = Pattern.compile("(?:1 error in )?(.+?:\\d+): (.*)");

    private static final int LONGEST_REASON = 500;

    private GitHubReport() {}

    /** Returns the annotations of the checks that did not pass, a line each. */
    public static List<String> annotations(GitHubActions github, List<CheckResult> results) {
        // All checks of a guest that was not built fail for the same reason.
        Set<String> lines = new LinkedHashSet<>();
        for (CheckResult result : results) {
            if (result.check().obstacle().isPresent()) {
                lines.addAll(annotations(github, result.check().guest(), result.reason()));
            } else if (result.verdict() != Verdict.PASS) {
                lines.add(github.error(
                        result.outcome().flatMap(GitHubActions::place),
                        result.check().toString(),
                        message(result)));
            }
        }
        return new ArrayList<>(lines);
    }

    /** Returns the annotations of a guest that was not built: one for each error at a line of a file, else one. */
    public static List<String> annotations(GitHubActions github, String guest, String reason) {
        String title = "guest " + guest + " was not built";
        List<String> lines = reason.lines()
                .map(BUILD_ERROR::matcher)
                .filter(Matcher::matches)
                .map(error -> github.error(Optional.of(error.group(1)), title, error.group(2)))
                .toList();
        return lines.isEmpty() ? List.of(github.error(Optional.empty(), title, reason)) : lines;
    }

    private static String message(CheckResult result) {
        Optional<Outcome> outcome = result.outcome();
        return outcome.isEmpty()
                ? result.reason()
                : Stream.concat(
                                result.mismatches().stream().map(Mismatch::sentence),
                                Stream.of(TextReport.line(outcome.get())))
                        .collect(Collectors.joining("\n"));
    }

    /** Returns a table of all checks in GitHub's Markdown. */
    public static String table(List<CheckResult> results) {
        boolean points =
                results.stream().anyMatch(result -> result.check().points().isPresent());
        long failed = results.stream()
                .filter(result -> result.verdict() != Verdict.PASS)
                .count();
        StringBuilder table = new StringBuilder("### Guests: ")
                .append(failed == 0 ? "all " : failed + " of ")
                .append(results.size())
                .append(failed == 0 ? " checks passed\n\n" : " checks did not pass\n\n")
                .append(points ? "| Guest | Check | Verdict | Points | Why |\n" : "| Guest | Check | Verdict | Why |\n")
                .append(points ? "|---|---|---|---|---|\n" : "|---|---|---|---|\n");
        for (CheckResult result : results) {
            List<String> cells = new ArrayList<>();
            cells.add(GitHubActions.cell(result.check().guest()));
            cells.add(GitHubActions.cell(result.check().name()));
            cells.add(result.verdict().name());
            if (points) {
                cells.add(Points.text(result.earned()) + " of "
                        + Points.text(result.check().points().orElse(BigDecimal.ZERO)));
            }
            cells.add(GitHubActions.cell(cut(result.reason())));
            table.append(cells.stream().collect(Collectors.joining(" | ", "| ", " |\n")));
        }
        return table.append('\n').toString();
    }

    private static String cut(String reason) {
        return reason.length() <= LONGEST_REASON ? reason : reason.substring(0, LONGEST_REASON) + "...";
    }
}
