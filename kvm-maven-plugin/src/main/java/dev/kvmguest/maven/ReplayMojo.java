package dev.kvmguest.maven;

import dev.kvmguest.vmm.bundle.Bundle;
import dev.kvmguest.vmm.bundle.BundleReplay;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.project.MavenProject;

/**
 * Runs the guest of a bundle once more, on the emulator, and shows the same death with the same diagnosis: on any
 * machine, without /dev/kvm and without a POM. A failed test or kvm:bundle wrote the bundle. The build fails unless the
 * guest ends as expected, and as it did then. Nothing is written unless it is asked for.
 */
@Mojo(name = "replay", requiresProject = false, threadSafe = true)
public class ReplayMojo extends AbstractMojo {

    private static final Duration DEFAULT_LIMIT = Duration.ofMinutes(2);

    /** The bundle. Default: none; it has to be named. */
    @Parameter(property = "kvm.bundle")
    private File bundle;

    /** How long the guest may take to come to its end, such as {@code 30s} or {@code 10m}. Default: {@code 2m}. */
    @Parameter(property = "kvm.timeout")
    private String timeout;

    /** A file for the report in JSON. Default: none. */
    @Parameter(property = "kvm.report")
    private File report;

    /** A file for a page, in HTML, with everything known of the run. Default: none. */
    @Parameter(property = "kvm.html")
    private File html;

    /** A file for a picture, in PNG, of the screen at the end. Default: none. */
    @Parameter(property = "kvm.screenshot")
    private File screenshot;

    /** A folder that the files of the bundle are unpacked into; none that is there is overwritten. Default: none. */
    @Parameter(property = "kvm.output")
    private File output;

    /**
     * How the guest must end: {@code halted}, {@code debug-exit}, {@code hypercall-exit}, {@code triple-fault},
     * {@code unhandled-exception}, {@code reset}, {@code timed-out} or {@code unsupported}. Default: {@code halted},
     * {@code debug-exit} or {@code hypercall-exit}, with exit code 0 if there is one.
     */
    @Parameter(property = "kvm.expect")
    private String expect;

    /** The exit code that the guest must end with. Default: 0, or any if {@code kvm.expect} is given. */
    @Parameter(property = "kvm.exitCode")
    private String exitCode;

    /** The project, if there is one, which may have the guest's source files. */
    @Parameter(defaultValue = "${project}", readonly = true)
    private MavenProject project;

    /** The build, whose options say whether reports have colours. */
    @Parameter(defaultValue = "${session}", readonly = true, required = true)
    private MavenSession session;

    @Override
    public void execute() throws MojoExecutionException, MojoFailureException {
        BootParameters parameters = BootParameters.read(text());
        BootFiles files = new BootFiles(
                "kvm:replay",
                new OutputFile("kvm.report", report),
                new OutputFile("kvm.html", html),
                new OutputFile("kvm.screenshot", screenshot));
        Bundle read = read();
        files.requireFree(Map.of(bundle.toPath(), "the bundle that is replayed"));
        if (output != null) {
            unpack(read);
        }
        getLog().info("Replaying the run of "
                + read.config().vcpus().get(read.vcpu()).image().name() + " on " + read.engine()
                + ", bundled by kvmguest " + read.product());
        judge(replay(read, parameters.timeout().orElse(DEFAULT_LIMIT)), parameters, files);
    }

    private Bundle read() throws MojoExecutionException {
        if (bundle == null) {
            throw new MojoExecutionException(
                    "kvm.bundle: no bundle is named; kvm:bundle writes one, and so does a failed test with"
                            + " -Dkvmguest.bundle=true");
        }
        try {
            return Bundle.read(bundle.toPath());
        } catch (IOException e) {
            throw new MojoExecutionException("kvm.bundle can't be read: " + Reasons.of(bundle.toPath(), e), e);
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("kvm.bundle: " + e.getMessage(), e);
        }
    }

    private void unpack(Bundle read) throws MojoExecutionException {
        try {
            List<Path> unpacked = read.unpack(output.toPath().toAbsolutePath());
            getLog().info("Unpacked " + unpacked.size() + " files into " + output);
        } catch (IOException e) {
            throw new MojoExecutionException("kvm.output: " + Reasons.of(e), e);
        }
    }

    private BundleReplay replay(Bundle read, Duration limit) throws MojoExecutionException {
        try {
            return read.replay(limit);
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("kvm.bundle: its guest can't be booted: " + e.getMessage(), e);
        } catch (VmmException e) {
            throw new MojoExecutionException(e.getMessage(), e);
        }
    }

    private void judge(BundleReplay replay, BootParameters parameters, BootFiles files)
            throws MojoExecutionException, MojoFailureException {
        Outcome outcome = replay.outcome();
        List<Mismatch> mismatches = parameters.mismatches(outcome, false);
        Optional<String> page = files.write(outcome, mismatches, true, AbstractBootMojo.sources(project, List.of()));
        String text = TextReport.brief(outcome).stripTrailing();
        List<String> failures = new ArrayList<>();
        mismatches.forEach(mismatch -> failures.add("guest " + outcome.run().guest() + ": " + mismatch.sentence()));
        if (!replay.cameToTheSameEnd()) {
            failures.add(replay.sentence());
        }
        if (failures.isEmpty()) {
            getLog().info(text);
        } else {
            getLog().error(Colors.of(session).report(text));
        }
        page.ifPresent(line -> getLog().info(line));
        getLog().info(replay.sentence());
        failures.addAll(files.complaints());
        String message = String.join("\n", failures);
        if (!files.complaints().isEmpty()) {
            throw new MojoExecutionException(message);
        }
        if (!failures.isEmpty()) {
            throw new MojoFailureException(message);
        }
    }

    private BootParameters.Text text() {
        BootParameters.Text text = new BootParameters.Text();
        text.timeout = timeout;
        text.expect = expect;
        text.exitCode = exitCode;
        return text;
    }
}
