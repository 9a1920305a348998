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
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.project.MavenProject;

/**
 * Boots a guest on every engine of this host, the emulator, KVM and an installed QEMU, in one or several boot modes,
 * and fails the build unless at least two ran it and it ended alike in all runs. The guest is an image file, for which
 * no POM is needed, or one of the project that kvm:assemble has built.
 */
@Mojo(name = "compare", requiresProject = false, threadSafe = true)
public class CompareMojo extends AbstractMojo {

    /** An image to boot: a flat binary or an ELF file. Default: a guest of the project. */
    @Parameter(property = "kvm.image")
    private File image;

    /** The guest of the project to boot, by its id. Default: the project's only guest. */
    @Parameter(property = "kvm.guest")
    private String guest;

    /**
     * The state at entry: {@code real}, {@code protected}, {@code paged}, {@code paged-4k} or {@code multiboot}, or
     * several with commas between them. Default: what the project's guest says; for an image what it asks for itself,
     * by a Multiboot header or an entry that real mode can't reach, else {@code real}.
     */
    @Parameter(property = "kvm.boot")
    private String boot;

    /**
     * The physical address of the image's first byte. Default: what the project's guest or the ELF file says; 0x7c00
     * for a boot sector in real mode (512 bytes with 0x55 0xAA at their end), 0x1000 for another flat binary.
     */
    @Parameter(property = "kvm.load")
    private String load;

    /**
     * Where the guest starts: a linear address or, in real mode, {@code SEG:OFF}. Default: what the project's guest or
     * the ELF file says; the first byte of a flat binary.
     */
    @Parameter(property = "kvm.entry")
    private String entry;

    /** Guest RAM, such as {@code 16M} or {@code 640K}. Default: what the project's guest says; 16M for an image. */
    @Parameter(property = "kvm.memory")
    private String memory;

    /** The kernel's command line; only for {@code multiboot}. Default: what the project's guest says. */
    @Parameter(property = "kvm.commandLine")
    private String commandLine;

    /**
     * Files that are loaded beside the kernel, with commas between them; only for {@code multiboot}. Default: what the
     * project's guest says.
     */
    @Parameter(property = "kvm.modules")
    private List<File> modules;

    /**
     * The input typed before the guest starts. {@code \n}, {@code \r}, {@code \t}, {@code \e} (escape), {@code \\} and
     * {@code \x00} to {@code \x7f} are understood. Default: nothing.
     */
    @Parameter(property = "kvm.input")
    private String input;

    /** How long each run may take, such as {@code 500ms}, {@code 5s} or {@code 2m}. Default: {@code 10s}. */
    @Parameter(property = "kvm.timeout")
    private String timeout;

    /**
     * What the guest's CMOS clock shows when it starts, such as {@code 2026-12-31} or {@code 2026-12-31T23:59:58}.
     * Default: {@code 2026-01-01}.
     */
    @Parameter(property = "kvm.date")
    private String date;

    /** A file for the comparison in JSON. Default: none. */
    @Parameter(property = "kvm.report")
    private File report;

    /** A file for a page, in HTML, with the comparison and the report of each run. Default: none. */
    @Parameter(property = "kvm.html")
    private File html;

    /** Whether the build succeeds though the engines don't agree. */
    @Parameter(property = "kvm.compare.failureIgnore", defaultValue = "false")
    private boolean compareFailureIgnore;

    /** Skips the goal. */
    @Parameter(property = "kvm.skip", defaultValue = "false")
    private boolean skip;

    /** The root of the class path that kvm:assemble has put the guests on. */
    @Parameter(defaultValue = "${project.build.outputDirectory}")
    private File outputDirectory;

    /** The project that has the guests, if there is one. */
    @Parameter(defaultValue = "${project}", readonly = true)
    private MavenProject project;

    /** This execution, for the plugin that it belongs to. */
    @Parameter(defaultValue = "${mojoExecution}", readonly = true, required = true)
    private MojoExecution execution;

    @Override
    public void execute() throws MojoExecutionException, MojoFailureException {
        if (skip) {
            getLog().info("No engines are compared: kvm.skip is set");
            return;
        }
        List<BootMode> modes = modes();
        BootParameters parameters = BootParameters.read(text());
        BootTargets guests = new BootTargets(getLog(), project, execution, outputDirectory.toPath());
        List<BootTargets.Target> targets = guests.find(image, guest, boot);
        if (targets.size() > 1) {
            throw new MojoExecutionException(
                    "kvm.guest: " + guest + " names " + targets.size() + " guests; compare engines by one of them");
        }
        BootTargets.Target target = targets.get(0);
        OutputFile json = new OutputFile("kvm.report", report);
        OutputFile page = new OutputFile("kvm.html", html);
        json.requireFree(guests.inputs(target, modules));
        page.requireFree(guests.inputs(target, modules));
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
        BootParameters.Text text = new BootParameters.Text();
        text.load = load;
        text.entry = entry;
        text.memory = memory;
        text.commandLine = commandLine;
        text.modules = modules;
        text.input = input;
        text.timeout = timeout;
        text.date = date;
        return text;
    }
}
