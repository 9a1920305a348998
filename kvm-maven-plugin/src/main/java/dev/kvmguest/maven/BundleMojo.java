package dev.kvmguest.maven;

import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.bundle.Bundle;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.report.TextReport;
import java.io.File;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Boots a guest once, with no keyboard, and writes its run into one zip file: image, ELF file, recording, reports, and
 * what this host can do. kvm:replay shows the same death with the same diagnosis on any other machine. The guest is an
 * image file, for which no POM is needed, or a guest of the project that kvm:assemble has built.
 */
@Mojo(name = "bundle", requiresProject = false, threadSafe = true)
public class BundleMojo extends AbstractBootMojo {

    /** The guest of the project to boot, by its id. Default: the project's only guest. */
    @Parameter(property = "kvm.guest")
    private String guest;

    /**
     * The state at entry: {@code real}, {@code protected}, {@code paged}, {@code paged-4k}, {@code multiboot},
     * {@code pvh}, {@code linux} or {@code long}. Default: what the project's guest says; for an image what it asks for
     * itself, by a loader's header, 64 bits or an entry that real mode can't reach, else {@code real}.
     */
    @Parameter(property = "kvm.boot")
    private String boot;

    /**
     * What runs the guest: {@code kvm}; {@code emulator}, which runs anywhere; {@code qemu}, an installed QEMU, of
     * which nothing is recorded; or {@code auto}, which is KVM if this host's KVM can run the boot mode at a
     * processor's speed, else the emulator.
     */
    @Parameter(property = "kvm.engine", defaultValue = "auto")
    private String engine;

    /** How long the guest may run, such as {@code 500ms}, {@code 5s} or {@code 2m}. Default: {@code 10s}. */
    @Parameter(property = "kvm.timeout")
    private String timeout;

    /** Whether the reports list the exceptions that the guest took and survived. */
    @Parameter(property = "kvm.watchExceptions", defaultValue = "false")
    private boolean watchExceptions;

    /**
     * The folder for the bundle, or its file, if that ends in {@code .zip}. Default: a file called after the guest, in
     * the current folder.
     */
    @Parameter(property = "kvm.output")
    private File output;

    @Override
    public void execute() throws MojoExecutionException {
        if (skip) {
            getLog().info("No guest is bundled: kvm.skip is set");
            return;
        }
        BootParameters parameters = BootParameters.read(text());
        BootTargets.Target target = onlyGuest(guest, boot, "bundle them one by one");
        Path place = ExportPlace.bundle(Optional.ofNullable(output).map(File::toPath), target.name());
        OutputFile file = new OutputFile("kvm.output", place.toFile());
        file.requireFree(inputs(target));
        Bundle bundle = run(target, parameters);
        Optional<String> problem = file.write(bundle::bytes);
        if (problem.isPresent()) {
            throw new MojoExecutionException(problem.get());
        }
        bundle.whyNotRecorded().ifPresent(why -> getLog().warn("The run is not in the bundle, since " + why
                + "; kvm:replay boots the guest anew on the emulator"));
        getLog().info("Wrote " + file.file() + "; kvm:replay -Dkvm.bundle="
                + file.file().getName() + " shows the run on any machine");
    }

    private Bundle run(BootTargets.Target target, BootParameters parameters) throws MojoExecutionException {
        try {
            MachineConfig config = parameters.machine(target.vcpu(), target.memory(), MachineConfig.DEFAULT_TIMEOUT);
            try (Machine machine = Machine.create(config)) {
                getLog().info(TextReport.line(machine.run()));
                return machine.bundle(0, Host.report(), sources(target));
            }
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("guest " + target.name() + " can't be bundled: " + e.getMessage(), e);
        } catch (VmmException e) {
            throw new MojoExecutionException(e.getMessage(), e);
        }
    }

    private BootParameters.Text text() {
        BootParameters.Text text = commonText();
        text.boot = boot;
        text.timeout = timeout;
        text.engine = engine;
        text.watchExceptions = watchExceptions;
        return text;
    }
}
