package dev.kvmguest.maven;

import dev.kvmguest.maven.init.InitException;
import dev.kvmguest.maven.init.ProjectTemplate;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import java.io.File;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Makes a project that tests a kernel, in the current folder: a POM, a test and, if no kernel is named, a small one in
 * C. A kernel that is named is booted once, to find its boot mode and what its test can expect. Files that are there
 * already are never overwritten. After it, {@code mvn verify} builds and tests.
 */
@Mojo(name = "init", requiresProject = false, aggregator = true, threadSafe = true)
public class InitMojo extends AbstractMojo {

    /** A kernel that something else builds, such as make: an ELF file or a flat binary. Default: a new one in C. */
    @Parameter(property = "kvm.image")
    private File image;

    /**
     * The state at entry of {@code kvm.image}: {@code real}, {@code protected}, {@code paged}, {@code paged-4k},
     * {@code long}, {@code multiboot}, {@code multiboot2}, {@code limine}, {@code pvh} or {@code linux}. Default: what
     * the image asks for itself.
     */
    @Parameter(property = "kvm.boot")
    private String boot;

    /** The project's group, which is also the package of its test. */
    @Parameter(property = "groupId", defaultValue = "org.example")
    private String groupId;

    /** The build, for the folder that it was started in. */
    @Parameter(defaultValue = "${session}", readonly = true, required = true)
    private MavenSession session;

    @Override
    public void execute() throws MojoExecutionException {
        Optional<BootMode> mode = BootParameters.bootMode(boot);
        if (image == null && mode.isPresent()) {
            throw new MojoExecutionException("kvm.boot: " + boot + " is the boot mode of kvm.image, and there is none;"
                    + " name an image too, or leave it out");
        }
        Path folder = Path.of(session.getExecutionRootDirectory());
        ProjectTemplate.Made made;
        try {
            ProjectTemplate template = new ProjectTemplate(folder, groupId);
            made = image == null ? template.writeWithNewKernel() : template.writeFor(image.toPath(), mode);
        } catch (InitException e) {
            throw new MojoExecutionException((image == null ? "" : "kvm.image: ") + e.getMessage(), e);
        } catch (VmmException e) {
            throw new MojoExecutionException(e.getMessage(), e);
        }
        made.kernel().ifPresent(getLog()::info);
        made.warning().ifPresent(getLog()::warn);
        made.files().forEach(file -> getLog().info("Wrote " + folder.resolve(file)));
        getLog().info("Now run: mvn verify");
    }
}
