package dev.kvmguest.maven;

import dev.kvmguest.maven.check.BuiltGuests;
import dev.kvmguest.maven.check.CheckReports;
import dev.kvmguest.maven.check.CheckResult;
import dev.kvmguest.maven.check.CheckRunner;
import dev.kvmguest.maven.check.GitHubReport;
import dev.kvmguest.maven.check.GuestCheck;
import dev.kvmguest.maven.check.Summary;
import dev.kvmguest.maven.files.FolderLock;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.GitHubActions;
import dev.kvmguest.vmm.report.TextReport;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.maven.plugin.MojoExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Boots the guests that kvm:assemble has built, as their {@code <checks>} say, and writes reports: a JUnit XML file for
 * each guest, a JSON file for each check, a page for each check that failed, and a summary. A failed check doesn't end
 * the build. Bind kvm:verify too; it fails the build later, after the phase post-integration-test.
 */
@Mojo(name = "check", defaultPhase = LifecyclePhase.INTEGRATION_TEST, threadSafe = true)
public class CheckMojo extends AbstractCheckMojo {

    /** The guests whose checks are run. Without guests the goal only warns. */
    @Parameter
    private List<Guest> guests = new ArrayList<>();

    /**
     * What runs the guests, unless a check says: {@code kvm}; {@code emulator}, which runs anywhere; or {@code auto},
     * which is KVM if this host's KVM can run the boot mode at a processor's speed, else the emulator.
     */
    @Parameter(property = "kvm.engine", defaultValue = "auto")
    private String engine;

    /** The root of the class path that kvm:assemble has put the guests on. */
    @Parameter(defaultValue = "${project.build.outputDirectory}", required = true)
    private File outputDirectory;

    /** How many guests run at the same time, at least 1. Default: the number of processors. */
    @Parameter(property = "kvm.parallelism")
    private String parallelism;

    /**
     * Whether a guest that was not built, because its sources are missing or have errors, is an error of its own checks
     * only. Set it for kvm:assemble too. The build fails in kvm:verify.
     */
    @Parameter(property = "kvm.keepGoing", defaultValue = "false")
    private boolean keepGoing;

    /** This execution, whose id goes to the summary. */
    @Parameter(defaultValue = "${mojoExecution}", readonly = true, required = true)
    private MojoExecution execution;

    private final Set<String> warnedOf = new HashSet<>();

    @Override
    public void execute() throws MojoExecutionException {
        Optional<String> skippedBy = skippedBy();
        if (skippedBy.isPresent()) {
            getLog().info("No guest is checked: " + skippedBy.get() + " is set");
            return;
        }
        BuiltGuests built = new BuiltGuests(outputDirectory.toPath());
        List<GuestCheck> checks = checks(built);
        CheckRunner runner = new CheckRunner(built, CheckParameters.parallelism(parallelism));
        CheckReports reports = reports();
        try {
            Optional<FolderLock> lock = lock(reports);
            try {
                run(runner, checks, reports);
            } finally {
                lock.ifPresent(FolderLock::close);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MojoExecutionException("the build was interrupted while guests were running", e);
        }
    }

    private void run(CheckRunner runner, List<GuestCheck> checks, CheckReports reports)
            throws MojoExecutionException, InterruptedException {
        reports.removeStale(checks);
        if (checks.isEmpty()) {
            getLog().warn(nothingToCheck());
        }
        List<CheckResult> results = runner.run(checks, result -> {
            logEnd(result);
            reports.write(result);
        });
        Summary summary = reports.write(execution.getExecutionId(), results);
        getLog().info(summary.totals() + "; reports are in " + reportsDirectory());
        summary.points().ifPresent(getLog()::info);
        if (!results.isEmpty()) {
            github().ifPresent(github -> tell(github, results));
        }
        if (!reports.isSummaryWritten()) {
            logReports(summary);
            throw new MojoExecutionException(message(summary));
        }
    }

    /**
     * Waits until no other build writes to the folder of the reports.
     *
     * @return the lock; empty if the folder can't be locked, so that the guests run all the same
     */
    private Optional<FolderLock> lock(CheckReports reports) throws InterruptedException {
        try {
            return Optional.of(
                    FolderLock.take(reportsDirectory().toPath(), basedir().toPath(), getLog()::warn));
        } catch (IOException e) {
            reports.complain("the folder of the reports, " + reportsDirectory() + ", can't be locked: " + e);
            return Optional.empty();
        }
    }

    /** Warns once per guest: all its checks have the same memory layout, and most do the same otherwise. */
    private void warnOnce(String guest, Outcome outcome) {
        outcome.warnings().stream()
                .filter(warning -> warnedOf.add(guest + ": " + warning))
                .forEach(warning -> getLog().warn("guest " + guest + ": " + warning));
        if (warnedOf.add(guest)) {
            GuestWarnings.log(getLog(), "guest " + guest, outcome.run().layout());
        }
    }

    private List<GuestCheck> checks(BuiltGuests built) throws MojoExecutionException {
        try {
            Map<String, String> unbuilt = keepGoing ? buildFailures().all() : Map.of();
            for (Guest guest : guests) {
                if (guest.checks.isEmpty() && guest.id != null && unbuilt.containsKey(guest.id.trim())) {
                    // So that the error is told of.
                    Check assemble = new Check();
                    assemble.name = "assemble";
                    guest.checks = List.of(assemble);
                }
            }
            List<GuestCheck> checks = new ArrayList<>();
            for (GuestCheck check :
                    CheckParameters.read(guests, CheckParameters.engine(engine), built::tests, keepGoing)) {
                checks.add(
                        unbuilt.containsKey(check.guest())
                                ? check.withObstacle(unbuilt.get(check.guest()))
                                : findGuest(built, check));
            }
            return checks;
        } catch (IOException e) {
            throw new MojoExecutionException("what kvm:assemble has left of a guest can't be read: " + e, e);
        }
    }

    private GuestCheck findGuest(BuiltGuests built, GuestCheck check) throws MojoExecutionException, IOException {
        try {
            built.find(check.guest());
            return check;
        } catch (IllegalArgumentException e) {
            if (keepGoing) {
                return check.withObstacle(e.getMessage());
            }
            throw new MojoExecutionException(e.getMessage(), e);
        }
    }

    private void tell(GitHubActions github, List<CheckResult> results) {
        GitHubReport.annotations(github, results).forEach(System.out::println);
        try {
            github.summarize(GitHubReport.table(results));
        } catch (IOException e) {
            getLog().warn("The summary of the step on GitHub can't be written: " + e);
        }
    }

    private String nothingToCheck() {
        return guests.isEmpty()
                ? "No guest is checked: <guests> is empty. Add <guests><guest><id>NAME</id><checks><check>...; a goal"
                        + " that is named on the command line sees the <configuration> of the plugin, not that of an"
                        + " <execution>"
                : "No guest is checked: none of the guests " + ids() + " has a <check>. Add <checks><check/></checks>"
                        + " to expect a normal end with exit code 0";
    }

    private String ids() {
        return String.join(", ", guests.stream().map(guest -> guest.id).toList());
    }

    private void logEnd(CheckResult result) {
        result.outcome().ifPresent(outcome -> warnOnce(result.check().guest(), outcome));
        String end = result.outcome()
                .map(TextReport::line)
                .orElse(String.format(
                        Locale.ROOT, "not run, after %.1f ms", result.time().toNanos() / 1e6));
        String line = result.verdict() + " " + result.check() + ": " + end;
        if (result.verdict() == CheckResult.Verdict.PASS) {
            getLog().info(line);
        } else {
            getLog().error(line + ": " + result.reason());
        }
    }
}
