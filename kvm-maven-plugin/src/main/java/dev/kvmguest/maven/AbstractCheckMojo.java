package dev.kvmguest.maven;

import dev.kvmguest.maven.assemble.BuildFailures;
import dev.kvmguest.maven.check.CheckReports;
import dev.kvmguest.maven.check.Summary;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.report.GitHubActions;
import java.io.File;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugins.annotations.Parameter;

/** What kvm:check and kvm:verify share: when they are skipped, and where the reports are. */
abstract class AbstractCheckMojo extends AbstractMojo {

    /** More would not fit on a screen. The others have pages beside theirs. */
    private static final int MOST_REPORTS = 5;

    /** Where a whole folder can't be written, the others say the same. */
    private static final int MOST_COMPLAINTS = 5;

    /**
     * The folder of the reports. Executions that check the same guest need a folder each; otherwise the later reports
     * replace the earlier ones. The summary has all.
     */
    @Parameter(
            property = "kvm.reportsDirectory",
            defaultValue = "${project.build.directory}/kvm-reports",
            required = true)
    private File reportsDirectory;

    /** The folder for object files and build records, in which kvm:assemble says which guests it could not build. */
    @Parameter(defaultValue = "${project.build.directory}/kvm-guests", required = true)
    private File workDirectory;

    /** Skips the goal. */
    @Parameter(property = "kvm.skip", defaultValue = "false")
    private boolean skip;

    /** Skips the goal, because the checks are integration tests. */
    @Parameter(property = "skipITs", defaultValue = "false")
    private boolean skipITs;

    /** Skips the goal, because the checks are tests. */
    @Parameter(property = "skipTests", defaultValue = "false")
    private boolean skipTests;

    /** Skips the goal, because the checks are tests. */
    @Parameter(property = "maven.test.skip", defaultValue = "false")
    private boolean mavenTestSkip;

    /** The folder of the project, which has the guests' sources. */
    @Parameter(defaultValue = "${project.basedir}", readonly = true)
    private File basedir;

    /** The build, whose start time tells its reports from earlier ones. */
    @Parameter(defaultValue = "${session}", readonly = true, required = true)
    private MavenSession session;

    /** Returns the property that says to skip; empty if none does. */
    Optional<String> skippedBy() {
        if (skip) {
            return Optional.of("kvm.skip");
        }
        if (skipITs) {
            return Optional.of("skipITs");
        }
        if (skipTests) {
            return Optional.of("skipTests");
        }
        return mavenTestSkip ? Optional.of("maven.test.skip") : Optional.empty();
    }

    /** Returns the folder of the reports. */
    File reportsDirectory() {
        return reportsDirectory;
    }

    /** Returns why guests could not be built. */
    BuildFailures buildFailures() {
        return new BuildFailures(workDirectory.toPath());
    }

    /** Returns what tells GitHub Actions of failures; empty elsewhere. */
    Optional<GitHubActions> github() {
        return GitHubActions.of(System.getenv(), basedir.toPath());
    }

    /** Returns the folder of the project. */
    File basedir() {
        return basedir;
    }

    /** Logs which checks failed and why, and how their guests ended. If there are many, only the first ones. */
    void logReports(Summary summary) {
        Colors colors = Colors.of(session);
        summary.problems().stream().limit(MOST_REPORTS).forEach(problem -> getLog().error(
                        colors.report(problem.report())));
    }

    /** Returns what the build fails with: the verdicts, a line each, before what went wrong with reports. */
    String message(Summary summary) {
        StringBuilder message = new StringBuilder(summary.totals());
        summary.problems().forEach(problem -> message.append("\n  ").append(problem));
        List<Summary.Complaint> complaints = summary.complaints();
        complaints.stream().limit(MOST_COMPLAINTS).forEach(complaint -> message.append("\n  ")
                .append(complaint.text()));
        if (complaints.size() > MOST_COMPLAINTS) {
            message.append("\n  and ")
                    .append(complaints.size() - MOST_COMPLAINTS)
                    .append(" more of the kind");
        }
        return message.append("\nThe reports are in ")
                .append(reportsDirectory())
                .toString();
    }

    /**
     * Returns this build's view of the reports.
     *
     * @param guests the files that the guests come from
     */
    CheckReports reports(Collection<Path> guests) {
        String build = session.getRequest().getStartTime().toInstant().toString();
        return new CheckReports(reportsDirectory.toPath(), build, new SourceFolders(basedir.toPath(), guests));
    }
}
