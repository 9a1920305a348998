package dev.kvmguest.maven;

import dev.kvmguest.maven.check.Summary;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/** Fails the build if a check of kvm:check failed or could not be run in it. */
@Mojo(name = "verify", defaultPhase = LifecyclePhase.VERIFY, threadSafe = true)
public class VerifyMojo extends AbstractCheckMojo {

    /** More would not fit on a screen. The others have pages beside theirs. */
    private static final int MOST_REPORTS = 5;

    /** Lets the build continue in spite of failures. They are logged all the same. */
    @Parameter(property = "maven.test.failure.ignore", defaultValue = "false")
    private boolean testFailureIgnore;

    @Override
    public void execute() throws MojoExecutionException, MojoFailureException {
        Optional<String> skippedBy = skippedBy();
        if (skippedBy.isPresent()) {
            getLog().info("No check is verified: " + skippedBy.get() + " is set");
            return;
        }
        Summary summary = summary();
        if (summary.entries().isEmpty()) {
            getLog().warn("No check is verified: kvm:check had none to run");
            return;
        }
        if (summary.problems().isEmpty()) {
            getLog().info(summary.totals());
            return;
        }
        logReports(summary.problems());
        StringBuilder message = new StringBuilder(summary.totals());
        summary.problems().forEach(problem -> message.append("\n  ").append(problem));
        message.append("\nThe reports are in ").append(reportsDirectory());
        if (!testFailureIgnore) {
            throw new MojoFailureException(message.toString());
        }
        getLog().error(message);
        getLog().warn("The build goes on: maven.test.failure.ignore is set");
    }

    /** Logs what is known of the guests that failed. If there are many, only the first ones get a report. */
    private void logReports(List<Summary.Entry> problems) {
        Colors colors = colors();
        problems.stream()
                .filter(problem -> !problem.report().isEmpty())
                .limit(MOST_REPORTS)
                .forEach(problem -> getLog().error(
                                problem.guest() + " / " + problem.check() + ": " + colors.report(problem.report())));
    }

    private Summary summary() throws MojoExecutionException {
        try {
            return reports(List.of())
                    .summary()
                    .orElseThrow(() -> new MojoExecutionException("kvm:check has not run in this build: "
                            + reportsDirectory() + " has no " + Summary.FILE_NAME + " of it; bind it too, by"
                            + " <goal>check</goal> beside <goal>verify</goal>"));
        } catch (IOException e) {
            throw new MojoExecutionException("the results of kvm:check can't be read: " + e.getMessage(), e);
        }
    }
}
