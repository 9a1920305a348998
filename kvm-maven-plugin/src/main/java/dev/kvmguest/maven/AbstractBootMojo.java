package dev.kvmguest.maven;

import dev.kvmguest.vmm.image.SourceFolders;
import java.io.File;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.project.MavenProject;

/** What goals have in common that boot an image file, for which no POM is needed, or guests of the project. */
abstract class AbstractBootMojo extends AbstractMojo {

    /** An image to boot: a flat binary or an ELF file. Default: a guest of the project. */
    @Parameter(property = "kvm.image")
    protected File image;

    /**
     * The physical address of the image's first byte. Default: what the project's guest or the ELF file says; 0x7c00
     * for a boot sector in real mode (512 bytes with 0x55 0xAA at their end), 0x100000 for another flat binary in
     * {@code long}, else 0x1000.
     */
    @Parameter(property = "kvm.load")
    protected String load;

    /**
     * Where the guest starts: a linear address or, in real mode, {@code SEG:OFF}. Default: what the project's guest or
     * the ELF file says; the first byte of a flat binary.
     */
    @Parameter(property = "kvm.entry")
    protected String entry;

    /** Guest RAM, such as {@code 16M} or {@code 640K}. Default: what the project's guest says; 16M for an image. */
    @Parameter(property = "kvm.memory")
    protected String memory;

    /**
     * The kernel's command line; only for {@code multiboot}, {@code pvh} and {@code linux}. Default: what the project's
     * guest says.
     */
    @Parameter(property = "kvm.commandLine")
    protected String commandLine;

    /**
     * Files that are loaded beside the kernel, with commas between them; only for {@code multiboot}, {@code pvh} and
     * {@code linux}. Default: what the project's guest says.
     */
    @Parameter(property = "kvm.modules")
    protected List<File> modules;

    /**
     * The input typed before the guest starts. {@code \n}, {@code \r}, {@code \t}, {@code \e} (escape), {@code \\} and
     * {@code \x00} to {@code \x7f} are understood. Default: nothing.
     */
    @Parameter(property = "kvm.input")
    protected String input;

    /**
     * What the guest's CMOS clock shows when it starts, such as {@code 2026-12-31} or {@code 2026-12-31T23:59:58}.
     * Default: {@code 2026-01-01}.
     */
    @Parameter(property = "kvm.date")
    protected String date;

    /** Skips the goal. */
    @Parameter(property = "kvm.skip", defaultValue = "false")
    protected boolean skip;

    /** The root of the class path that kvm:assemble has put the guests on. */
    @Parameter(defaultValue = "${project.build.outputDirectory}")
    protected File outputDirectory;

    /** The project that has the guests, if there is one. */
    @Parameter(defaultValue = "${project}", readonly = true)
    protected MavenProject project;

    /** This execution, for the plugin that it belongs to. */
    @Parameter(defaultValue = "${mojoExecution}", readonly = true, required = true)
    protected MojoExecution execution;

    /** Returns what finds the guests. */
    final BootTargets guests() {
        return new BootTargets(getLog(), project, execution, outputDirectory.toPath());
    }

    /**
     * Returns the one guest that a goal is for.
     *
     * @param guest {@code kvm.guest}; null if it isn't given
     * @param boot {@code kvm.boot}; null if it isn't given
     * @param wayOut what to do with one guest instead of several, such as {@code export them one by one}
     * @throws MojoExecutionException if there is no such guest, or more than one
     */
    final BootTargets.Target onlyGuest(String guest, String boot, String wayOut) throws MojoExecutionException {
        List<BootTargets.Target> targets = guests().find(image, guest, boot);
        if (targets.size() > 1) {
            throw new MojoExecutionException("kvm.guest: " + guest + " names " + targets.size() + " guests; " + wayOut);
        }
        return targets.get(0);
    }

    /** Returns what a guest is booted from, which no output may replace. */
    final Map<Path, String> inputs(BootTargets.Target target) {
        return guests().inputs(target, modules);
    }

    /** Returns where a guest's source files are, if the project has them. */
    final SourceFolders sources(BootTargets.Target target) {
        return sources(project, target.files().keySet());
    }

    /**
     * Returns where source files are that a guest names.
     *
     * @param project Maven's project, which has no folder where there is no POM
     * @param guests the files that the guest was read from
     */
    static SourceFolders sources(MavenProject project, Collection<Path> guests) {
        File basedir = project.getBasedir();
        return new SourceFolders(basedir == null ? Path.of("") : basedir.toPath(), guests);
    }

    /** Returns the values of these parameters as they were written. */
    final BootParameters.Text commonText() {
        BootParameters.Text text = new BootParameters.Text();
        text.load = load;
        text.entry = entry;
        text.memory = memory;
        text.commandLine = commandLine;
        text.modules = modules;
        text.input = input;
        text.date = date;
        return text;
    }
}
