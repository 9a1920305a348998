package dev.kvmguest.maven;

import dev.kvmguest.vmm.compare.GuestComparison;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Boots a guest on every engine of this host, the emulator, KVM and an installed QEMU, in one or several boot modes,
 * and fails the build unless at least two ran it and it ended alike in all runs. The guest is an image file, for which
 * no POM is needed, or one of the project that kvm:assemble has built.
 */
@Mojo(name = "compare", requiresProject = false, threadSafe = true)
public class CompareMojo extends AbstractBootMojo {

    /** The guest of the project to boot, by its id. Default: the project's only guest. */
    @Parameter(property = "kvm.guest")
    private String guest;

    /**
     * The state at entry: {@code real}, {@code protected}, {@code paged}, {@code paged-4k}, {@code multiboot},
     * {@code pvh}, {@code linux} or {@code long}, or several with commas between them. Default: what the project's
     * guest says; for an image what it asks for itself, by a loader's header, 64 bits or an entry that real mode can't
     * reach, else {@code real}.
     */
    @Parameter(property = "kvm.boot")
    private String boot;

    /** How long each run may take, such as {@code 500ms}, {@code 5s} or {@code 2m}. Default: {@code 10s}. */
    @Parameter(property = "kvm.timeout")
    private String timeout;

    /** A file for the comparison in JSON. Default: none. */
    @Parameter(property = "kvm.report")
    private File report;

    /** A file for a page, in HTML, with the comparison and the report of each run. Default: none. */
    @Parameter(property = "kvm.html")
    private File html;

    /** Whether the build succeeds though the engines don't agree. */
    @Parameter(property = "kvm.compare.failureIgnore", defaultValue = "false")
    private boolean compareFailureIgnore;

    @Override
    public void execute() throws MojoExecutionException, MojoFailureException {
        if (skip) {
            getLog().info("No engines are compared: kvm.skip is set");
            return;
        }
        List<BootMode> modes = modes();
        BootParameters parameters = BootParameters.read(text());
        BootTargets.Target target = onlyGuest(guest, boot, "compare engines by one of them");
        OutputFile json = new OutputFile("kvm.report", report);
        OutputFile page = new OutputFile("kvm.html", html);
        json.requireFree(inputs(target));
        page.requireFree(inputs(target));
        GuestComparison comparison = compare(target, parameters, modes);
        getLog().info("\n" + comparison.table().stripTrailing());
        write(json, comparison::toJson);
        write(page, comparison::toHtml);
        if (!comparison.enginesAgree() && !compareFailureIgnore) {
            throw new MojoFailureException("guest " + comparison.guest() + ": the engines do not agree: "
                    + String.join("; ", comparison.disagreements()));
        }
    }

    private List<BootMode> modes() throws MojoExecutionException {
        List<BootMode> modes = new ArrayList<>();
        for (String mode : boot == null ? new String[0] : boot.split(",")) {
            modes.add(BootParameters.bootMode(mode.trim()).orElseThrow());
        }
        return modes;
    }

    private static GuestComparison compare(BootTargets.Target target, BootParameters parameters, List<BootMode> modes)
            throws MojoExecutionException {
        try {
            MachineConfig config = parameters.machine(target.vcpu(), target.memory(), MachineConfig.DEFAULT_TIMEOUT);
            return modes.isEmpty() ? GuestComparison.of(config) : GuestComparison.of(config, modes);
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("guest " + target.name() + " can't be booted: " + e.getMessage(), e);
        } catch (VmmException e) {
            throw new MojoExecutionException(e.getMessage(), e);
        }
    }

    private void write(OutputFile file, Supplier<String> text) throws MojoExecutionException {
        if (file.file() == null) {
            return;
        }
        Optional<String> problem = file.write(() -> text.get().getBytes(StandardCharsets.UTF_8));
        if (problem.isPresent()) {
            throw new MojoExecutionException(problem.get());
        }
        getLog().info("Wrote " + file.file());
    }

    private BootParameters.Text text() {
        BootParameters.Text text = commonText();
        text.timeout = timeout;
        return text;
    }
}
