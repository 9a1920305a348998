package dev.kvmguest.maven;

import dev.kvmguest.maven.check.CheckReports;
import dev.kvmguest.maven.check.Summary;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.plugins.annotations.ResolutionScope;
import org.apache.maven.project.MavenProject;

/**
 * Fails the build if a check of kvm:check failed or could not be run in it. Warns if the project has tests with JUnit
 * and a Surefire or Failsafe that is too old to run them.
 */
@Mojo(
        name = "verify",
        defaultPhase = LifecyclePhase.VERIFY,
        requiresDependencyCollection = ResolutionScope.TEST,
        threadSafe = true)
public class VerifyMojo extends AbstractCheckMojo {

    /** Lets the build continue in spite of failures. They are logged all the same. */
    @Parameter(property = "maven.test.failure.ignore", defaultValue = "false")
    private boolean testFailureIgnore;

    /** The project whose checks are verified. */
    @Parameter(defaultValue = "${project}", readonly = true, required = true)
    private MavenProject project;

    @Override
    public void execute() throws MojoExecutionException, MojoFailureException {
        Optional<String> skippedBy = skippedBy();
        if (skippedBy.isPresent()) {
            getLog().info("No check is verified: " + skippedBy.get() + " is set");
            return;
        }
        OldSurefire.warn(getLog(), project);
        Summary summary = summary();
        if (summary.entries().isEmpty() && summary.isClean()) {
            getLog().warn("No check is verified: kvm:check had none to run");
            return;
        }
        if (summary.isClean()) {
            getLog().info(summary.totals());
            return;
        }
        logReports(summary);
        String message = message(summary);
        if (!testFailureIgnore) {
            throw new MojoFailureException(message);
        }
        getLog().error(message);
        getLog().warn("The build goes on: maven.test.failure.ignore is set");
    }

    private Summary summary() throws MojoExecutionException {
        try {
            CheckReports reports = reports(List.of());
            Optional<Summary> summary = reports.summary();
            if (summary.isEmpty()) {
                String other = reports.lastSummary()
                        .map(last -> " It has that of the build that began at " + last.build()
                                + ". If that one runs at the same time, give each a kvm.reportsDirectory.")
                        .orElse("");
                throw new MojoExecutionException("kvm:check has not run in this build: " + reportsDirectory()
                        + " has no " + Summary.FILE_NAME + " of it; bind it too, by <goal>check</goal> beside"
                        + " <goal>verify</goal>." + other);
            }
            return summary.get();
        } catch (IOException e) {
            throw new MojoExecutionException("the results of kvm:check can't be read: " + e.getMessage(), e);
        }
    }
}
