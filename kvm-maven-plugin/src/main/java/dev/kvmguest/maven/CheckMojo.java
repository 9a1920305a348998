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
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
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
@Mojo(
        name = "check",
        defaultPhase = LifecyclePhase.INTEGRATION_TEST,
        threadSafe = true,
        configurator = GuestConfigurator.NAME)
public class CheckMojo extends AbstractCheckMojo {

    /**
     * The guests whose checks are run. Without guests the goal only warns. A {@code <check>} in the {@code <checks>} of
     * a {@code <guest>} can have these elements:
     *
     * <ul>
     *   <li>{@code name}: What reports call the run. Default: the guest's id, with a number if it has several
     *     checks.</li>
     *   <li>{@code input}: The input typed before the guest starts. {@code \n}, {@code \r}, {@code \t}, {@code \e}
     *     (escape), {@code \\} and {@code \x00} to {@code \x7f} are understood. Default: nothing.</li>
     *   <li>{@code bootedUntil}: A text that the console shows when the guest has booted: it boots once up to there,
     *     and all of its checks that say so go on from there. Their input is typed then, and their time limit counts
     *     from then on. Escapes are understood as in {@code input}. Default: none, the guest boots for this
     *     check.</li>
     *   <li>{@code commandLine}: The command line of a kernel that a boot loader loads. Default: the guest's.</li>
     *   <li>{@code modules}: The files that are loaded beside a kernel that a boot loader loads, relative to the
     *     project, in place of the guest's. Default: what the guest says.</li>
     *   <li>{@code console}: A text that the console must show. Default: any.</li>
     *   <li>{@code pattern}: A regular expression that must be found in what the console shows. Default: any.</li>
     *   <li>{@code screen}: A text that the screen must show at the end, without blanks at the ends of lines. Default:
     *     any.</li>
     *   <li>{@code ports}: What must have been written to single ports, each a {@code <port>}. Default: any.</li>
     *   <li>{@code outcome}: How the run must end: {@code halted}, {@code debug-exit}, {@code hypercall-exit},
     *     {@code triple-fault}, {@code unhandled-exception}, {@code reset}, {@code timed-out} or {@code unsupported}.
     *     Default: {@code halted}, {@code debug-exit} or {@code hypercall-exit}, with exit code 0 if there is one.</li>
     *   <li>{@code exception}: The exception that the guest must have died of, by its name in the Intel SDM, such as
     *     {@code #UD}. With one, {@code outcome} is {@code triple-fault} or, in real mode, {@code unhandled-exception}.
     *     Default: none.</li>
     *   <li>{@code exitCode}: The exit code that the run must end with. Default: 0, or any if there is an
     *     {@code outcome}.</li>
     *   <li>{@code panics}: A regular expression: if it is found in what the console shows, the guest has panicked, and
     *     a normal end fails. So does a halt in a function called panic, abort, fatal, die or the like, and in an
     *     exception's handler. A check that expects the panic, by {@code console}, {@code pattern} or an
     *     {@code exitCode} other than 0, passes. {@code none} accepts panics. Default: {@code default}, a line that
     *     begins with panic, as {@code PANIC: out of memory} and {@code Kernel panic - not syncing} do, and Rust's
     *     {@code panicked at}.</li>
     *   <li>{@code timeout}: How long the run may take, such as {@code 500ms}, {@code 5s} or {@code 2m}. Default:
     *     {@code 10s}.</li>
     *   <li>{@code date}: What the guest's CMOS clock shows when it starts, such as {@code 2026-12-31} or
     *     {@code 2026-12-31T23:59:58}. Default: {@code 2026-01-01}.</li>
     *   <li>{@code engine}: What runs the guest: {@code kvm}; {@code emulator}, which runs anywhere; {@code qemu}, an
     *     installed QEMU; or {@code auto}, which is KVM if this host's KVM can run the boot mode at a processor's
     *     speed, else the emulator. Default: the goal's {@code engine}.</li>
     *   <li>{@code qemuArguments}: Further arguments for the engine {@code qemu}, one in each {@code <argument>}:
     *     hardware that isn't modelled here. Default: none.</li>
     *   <li>{@code points}: How many points a pass is worth, such as {@code 10} or {@code 2.5}. With {@code guestTests}
     *     the tests share them. The points are in the reports, and in {@code points.csv} beside them. Default:
     *     none.</li>
     *   <li>{@code strictPorts}: Whether using a port without a device fails the run. Default: {@code false}.</li>
     *   <li>{@code guestTests}: Whether to run each of the guest's own tests, which it defines with KVMGUEST_TEST of
     *     kvmguest.h. Each runs in a machine of its own and is reported by its name. Default: {@code false}.</li>
     * </ul>
     *
     * <p>A {@code <port>} in {@code <ports>} can have these:
     *
     * <ul>
     *   <li>{@code number}: The port's number, such as {@code 0xe9} or {@code 233}. Required.</li>
     *   <li>{@code text}: The bytes as text, with the escapes of {@code input}. Default: none; either this or
     *     {@code hex} is required.</li>
     *   <li>{@code hex}: The bytes in hexadecimal, blanks between them allowed. Default: none; either this or
     *     {@code text} is required.</li>
     * </ul>
     *
     * <p>The help of kvm:assemble has the elements of a {@code <guest>}.
     */
    @Parameter
    private List<Guest> guests = new ArrayList<>();

    /**
     * What runs the guests, unless a check says: {@code kvm}; {@code emulator}, which runs anywhere; {@code qemu}, an
     * installed QEMU; or {@code auto}, which is KVM if this host's KVM can run the boot mode at a processor's speed,
     * else the emulator.
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
        try (BuiltGuests built = new BuiltGuests(outputDirectory.toPath())) {
            check(built);
        }
    }

    private void check(BuiltGuests built) throws MojoExecutionException {
        List<GuestCheck> checks = checks(built);
        CheckRunner runner = new CheckRunner(built, CheckParameters.parallelism(parallelism));
        CheckReports reports = reports(files(built, checks));
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
            reports.complain(
                    "the folder of the reports, " + reportsDirectory() + ", can't be locked: " + Reasons.of(e));
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
            throw new MojoExecutionException(
                    "what kvm:assemble has left of a guest can't be read: " + Reasons.of(e), e);
        }
    }

    /** Returns the files that the guests come from, as far as they were built. */
    private static Set<Path> files(BuiltGuests built, List<GuestCheck> checks) throws MojoExecutionException {
        Set<Path> files = new LinkedHashSet<>();
        try {
            for (GuestCheck check : checks) {
                if (check.obstacle().isEmpty()) {
                    files.addAll(built.find(check.guest()).files());
                }
            }
        } catch (IOException e) {
            throw new MojoExecutionException("a guest's manifest can't be read: " + Reasons.of(e), e);
        }
        return files;
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
            getLog().warn("The summary of the step on GitHub can't be written: " + Reasons.of(e));
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
