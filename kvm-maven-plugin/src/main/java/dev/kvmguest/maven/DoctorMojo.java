package dev.kvmguest.maven;

import dev.kvmguest.maven.toolchain.HostPlatform;
import dev.kvmguest.maven.toolchain.PinnedLlvm;
import dev.kvmguest.maven.toolchain.ToolCache;
import dev.kvmguest.maven.toolchain.ToolchainException;
import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.doctor.HostProblem;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.doctor.HostSection;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Tells what this host can do for guests, and how fast: problems first, each with a way out, then which engine runs
 * which boot mode, what the probe guests saw, and all that is known of processor, kernel, KVM and toolchain. No POM is
 * needed. It takes a few seconds and changes nothing.
 *
 * <p>What it prints and writes is made to be pasted into a bug report: nothing in it is identifying beyond the
 * hardware.
 */
@Mojo(name = "doctor", requiresProject = false, aggregator = true, threadSafe = true)
public class DoctorMojo extends AbstractMojo {

    /** More than any report has, so that a wrong file doesn't fill the memory. */
    private static final long LARGEST = 4 << 20;

    /** A file for the report in JSON. Default: none. */
    @Parameter(property = "kvm.report")
    private File report;

    /**
     * The report in JSON of another host, or of this one at another time. What differs is printed in place of the
     * report. Default: none.
     */
    @Parameter(property = "kvm.with")
    private File with;

    /** The version of the pinned toolchain that is looked for, {@code org.bytedeco:llvm}. */
    @Parameter(property = "kvm.llvm.version", defaultValue = PinnedLlvm.DEFAULT_VERSION, required = true)
    private String llvmVersion;

    /**
     * The folder that the pinned toolchain is looked for in. Default: {@code kvmguest} in the folder named by the
     * environment variable XDG_CACHE_HOME, else in {@code .cache} in the user's home.
     */
    @Parameter(property = "kvm.cache")
    private File cacheDirectory;

    /** The build, whose options say whether the report has colours. */
    @Parameter(defaultValue = "${session}", readonly = true, required = true)
    private MavenSession session;

    /** This execution, for the version of the plugin. */
    @Parameter(defaultValue = "${mojoExecution}", readonly = true, required = true)
    private MojoExecution execution;

    @Override
    public void execute() throws MojoExecutionException {
        OutputFile file = new OutputFile("kvm.report", report);
        file.requireFree(with == null ? Map.of() : Map.of(with.toPath(), "the report to compare with"));
        Optional<HostReport> other = with == null ? Optional.empty() : Optional.of(read(with.toPath()));

        HostReport found = Host.report().withAfter(HostReport.PROGRAMS, maven());

        Optional<String> complaint = file.write(() -> found.json().getBytes(StandardCharsets.UTF_8));
        print(found, other);
        if (complaint.isPresent()) {
            throw new MojoExecutionException(complaint.get());
        }
    }

    private static HostReport read(Path file) throws MojoExecutionException {
        try {
            if (Files.isRegularFile(file) && Files.size(file) > LARGEST) {
                throw new IllegalArgumentException("it is too large to be the report of a host");
            }
            return HostReport.parse(Files.readString(file));
        } catch (IOException e) {
            throw new MojoExecutionException(
                    "kvm.with: " + Reasons.of(file, e)
                            + "; kvm:doctor -Dkvm.report=FILE writes such a file on the other host",
                    e);
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("kvm.with: " + file + ": " + e.getMessage(), e);
        }
    }

    private void print(HostReport found, Optional<HostReport> other) {
        String text = other.map(there -> found.compareWith(there).text()).orElseGet(found::text);
        if (getLog().isInfoEnabled()) {
            boolean ill = other.isEmpty()
                    && found.problems().stream().anyMatch(one -> one.kind() == HostProblem.Kind.PROBLEM);
            getLog().info((ill ? Colors.of(session).report(text) : text).stripTrailing());
        } else {
            // With Maven's -q the report is all that there is to see.
            System.out.print(text);
        }
    }

    /** Returns what only the plugin knows. */
    private HostSection maven() {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("maven", session.getSystemProperties().getProperty("maven.version", "unknown"));
        values.put("kvm-maven-plugin", execution.getVersion());
        values.put("llvm " + llvmVersion, pinnedLlvm());
        return new HostSection("maven", "Maven, and the toolchain that it gets", values);
    }

    private String pinnedLlvm() {
        Path cache = cacheDirectory == null
                ? ToolCache.defaultRoot(System.getenv(), Path.of(System.getProperty("user.home")))
                : cacheDirectory.toPath();
        HostPlatform platform;
        try {
            platform = HostPlatform.current();
        } catch (ToolchainException e) {
            return e.getMessage();
        }
        try {
            return PinnedLlvm.isIn(new ToolCache(cache, getLog()::info), llvmVersion, platform)
                    ? "in the cache"
                    : "not in the cache; kvm:assemble gets it when a guest needs it";
        } catch (ToolchainException e) {
            return "the cache can't be read";
        }
    }
}
