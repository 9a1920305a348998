package dev.kvmguest.maven;

import dev.kvmguest.maven.check.BuiltGuests;
import dev.kvmguest.maven.check.CheckReports;
import dev.kvmguest.maven.check.CheckResult;
import dev.kvmguest.maven.check.CheckRunner;
import dev.kvmguest.maven.check.GuestCheck;
import dev.kvmguest.maven.check.Summary;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
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
        List<GuestCheck> checks = CheckParameters.read(guests, CheckParameters.engine(engine), built::tests);
        Set<Path> files = files(built, checks);
        CheckRunner runner = new CheckRunner(built, CheckParameters.parallelism(parallelism));
        CheckReports reports = reports(files);
        try {
            reports.removeStale();
            if (checks.isEmpty()) {
                getLog().warn(nothingToCheck());
            }
            List<CheckResult> results = runner.run(checks, this::logEnd);
            Summary summary = reports.write(execution.getExecutionId(), results);
            getLog().info(summary.totals() + "; reports are in " + reportsDirectory());
        } catch (IOException e) {
            throw new MojoExecutionException(
                    "the reports of the checks can't be written to " + reportsDirectory() + ": " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MojoExecutionException("the build was interrupted while guests were running", e);
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

    /** Returns the files that the guests come from; refuses guests that are not there before any of them is run. */
    private static Set<Path> files(BuiltGuests built, List<GuestCheck> checks) throws MojoExecutionException {
        Set<Path> files = new LinkedHashSet<>();
        try {
            for (GuestCheck check : checks) {
                files.addAll(built.find(check.guest()).files());
            }
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException(e.getMessage(), e);
        } catch (IOException e) {
            throw new MojoExecutionException("a guest's manifest can't be read: " + e, e);
        }
        return files;
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
                        Locale.ROOT,
                        "not run, after %.1f ms of wall time",
                        result.time().toNanos() / 1e6));
        String line = result.verdict() + " " + result.check() + ": " + end;
        if (result.verdict() == CheckResult.Verdict.PASS) {
            getLog().info(line);
        } else {
            getLog().error(line + ": " + result.reason());
        }
    }
}
