package dev.kvmguest.maven;

import dev.kvmguest.maven.assemble.BuildFailures;
import dev.kvmguest.maven.assemble.Diagnostic;
import dev.kvmguest.maven.assemble.GuestAssembler;
import dev.kvmguest.maven.assemble.GuestBuildException;
import dev.kvmguest.maven.assemble.GuestSpec;
import dev.kvmguest.maven.assemble.ImagePublisher;
import dev.kvmguest.maven.assemble.ImageSpec;
import dev.kvmguest.maven.check.GitHubReport;
import dev.kvmguest.maven.files.FolderLock;
import dev.kvmguest.maven.toolchain.HostPlatform;
import dev.kvmguest.maven.toolchain.PinnedLlvm;
import dev.kvmguest.maven.toolchain.SystemPrograms;
import dev.kvmguest.maven.toolchain.ToolCache;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.maven.toolchain.ToolchainException;
import dev.kvmguest.maven.toolchain.Toolchains;
import dev.kvmguest.vmm.report.GitHubActions;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.inject.Inject;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.model.Plugin;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;
import org.apache.maven.project.MavenProject;
import org.eclipse.aether.RepositorySystem;

/**
 * Builds guests from C and assembly with a pinned toolchain, so every host gets the same bytes. Puts them on the
 * module's class path: an ELF file, a flat binary, a map, a list of symbols and a manifest for each, in
 * {@code META-INF/kvm-guests/ID}. Builds only what has changed. A guest with an {@code <image>} is built elsewhere, and
 * only put there.
 */
@Mojo(
        name = "assemble",
        defaultPhase = LifecyclePhase.PROCESS_CLASSES,
        threadSafe = true,
        configurator = GuestConfigurator.NAME)
public class AssembleMojo extends AbstractMojo {

    /**
     * The guests to build. Without guests the goal only warns. A {@code <guest>} can have these elements:
     *
     * <ul>
     *   <li>{@code id}: The guest's name: letters, digits, {@code .}, {@code _} and {@code -}. Required.</li>
     *   <li>{@code sources}: A folder, of which all sources at any depth are built, or a single file; relative to the
     *     project. Sources are C ({@code .c}), GNU assembly ({@code .S}, {@code .s}) and, with nasm installed on this
     *     host, {@code .asm} and {@code .nasm}. Default: {@code src/main/guest/ID}.</li>
     *   <li>{@code excludes}: Files and folders of the sources that aren't built, relative to the folder of {@code
     *     sources}: those for another architecture, for instance. Default: none.</li>
     *   <li>{@code image}: An ELF file or a flat binary that something else builds, such as make, relative to the
     *     project. It takes the place of {@code <sources>}, and of all that says how to compile and link them. Default:
     *     none; the guest is built from its sources.</li>
     *   <li>{@code linkerScript}: A linker script, relative to the project. Default: a built-in one that fits the boot
     *     mode.</li>
     *   <li>{@code boot}: The state at entry: {@code real}, {@code protected}, {@code paged}, {@code paged-4k},
     *     {@code long}, {@code multiboot}, {@code multiboot2}, {@code limine}, {@code pvh} or {@code linux}. Default:
     *     {@code real}; for an image what it asks for itself, by a header, note or request of a boot protocol, 64 bits
     *     or an entry that real mode can't reach, else {@code real}.</li>
     *   <li>{@code load}: The physical address of the image's first byte, such as {@code 0x7c00} or {@code 31744}.
     *     Default: {@code 0x1000}, or {@code 0x100000} for {@code multiboot}, {@code multiboot2}, {@code pvh} and
     *     {@code long}, with the built-in linker script; with another script, what it says; for an image what its ELF
     *     file says, {@code 0x7c00} for a boot sector in real mode, {@code 0x100000} for {@code long}, else
     *     {@code 0x1000}.</li>
     *   <li>{@code entry}: Where the guest starts: a linear address or, in real mode, {@code SEG:OFF}. Default: the
     *     symbol {@code _start}, else the first byte.</li>
     *   <li>{@code memory}: Guest RAM, such as {@code 16M} or {@code 640K}. Default: {@code 16M}.</li>
     *   <li>{@code commandLine}: The kernel's command line; only for {@code multiboot}, {@code multiboot2},
     *     {@code limine}, {@code pvh} and {@code linux}. Default: nothing.</li>
     *   <li>{@code modules}: Files that are loaded beside the kernel, relative to the project, each a {@code <module>};
     *     only for {@code multiboot}, {@code multiboot2}, {@code limine}, {@code pvh} and {@code linux}. The kernel
     *     gets their names. Default: none.</li>
     *   <li>{@code compilerArgs}: Further options of the compiler, or of nasm if that is the toolchain. They come last,
     *     so they win. Default: none.</li>
     *   <li>{@code linkerArgs}: Further options of the linker. Default: none.</li>
     *   <li>{@code includes}: Folders for included files, relative to the project. The sources' folder always comes
     *     first. Default: none.</li>
     *   <li>{@code toolchain}: {@code llvm}, a pinned version that gives the same bytes on every host, or one that is
     *     installed on this host: {@code gcc} or {@code clang}. {@code nasm} is {@code llvm} with the options of
     *     {@code compilerArgs} for nasm. Default: {@code llvm}.</li>
     *   <li>{@code arch}: What the sources are compiled for: {@code i386} or {@code x86_64}. {@code x86_64} is for the
     *     boot modes {@code long}, {@code limine}, {@code protected}, {@code multiboot}, {@code multiboot2} and
     *     {@code pvh}; the last four enter it in 32 bits. Default: {@code x86_64} for {@code long} and {@code limine},
     *     else {@code i386}.</li>
     *   <li>{@code checks}: Runs of the guest that kvm:check does and kvm:verify judges. Default: none.</li>
     * </ul>
     *
     * <p>The help of kvm:check has the elements of a {@code <check>}.
     */
    @Parameter
    private List<Guest> guests = new ArrayList<>();

    /** The root of the class path that the guests go to. Use the test classes' folder to keep them out of the jar. */
    @Parameter(defaultValue = "${project.build.outputDirectory}", required = true)
    private File outputDirectory;

    /** The folder for object files and build records. */
    @Parameter(defaultValue = "${project.build.directory}/kvm-guests", required = true)
    private File workDirectory;

    /** The version of the pinned toolchain, {@code org.bytedeco:llvm}. */
    @Parameter(property = "kvm.llvm.version", defaultValue = PinnedLlvm.DEFAULT_VERSION, required = true)
    private String llvmVersion;

    /**
     * The folder that the pinned toolchain is unpacked to, once for all projects. Default: {@code kvmguest} in the
     * folder named by the environment variable XDG_CACHE_HOME, else in {@code .cache} in the user's home.
     */
    @Parameter(property = "kvm.cache")
    private File cacheDirectory;

    /**
     * Whether the other guests are built if one has no sources or some with errors. kvm:check, which needs this too,
     * reports it as an error of that guest, and kvm:verify fails the build.
     */
    @Parameter(property = "kvm.keepGoing", defaultValue = "false")
    private boolean keepGoing;

    /** Skips the goal. */
    @Parameter(property = "kvm.skip", defaultValue = "false")
    private boolean skip;

    /** The project whose guests are built. */
    @Parameter(defaultValue = "${project}", readonly = true, required = true)
    private MavenProject project;

    /** The build, for its artifact resolver's session. */
    @Parameter(defaultValue = "${session}", readonly = true, required = true)
    private MavenSession session;

    /** This execution, for the plugin that it belongs to. */
    @Parameter(defaultValue = "${mojoExecution}", readonly = true, required = true)
    private MojoExecution execution;

    private final RepositorySystem repositorySystem;

    /** Creates the goal. */
    @Inject
    public AssembleMojo(RepositorySystem repositorySystem) {
        this.repositorySystem = repositorySystem;
    }

    /** What is to be built here, and what has been built elsewhere. */
    private record Specs(List<GuestSpec> built, List<ImageSpec> images) {}

    @Override
    public void execute() throws MojoExecutionException {
        if (skip) {
            getLog().info("No guest is assembled: kvm.skip is set");
            return;
        }
        OldSurefire.warn(getLog(), project);
        Path basedir = project.getBasedir().toPath();
        GuestParameters parameters = new GuestParameters(basedir);
        // Before anything is written: a mistake in the POM that ends the build leaves nothing behind.
        Optional<Specs> specs = keepGoing
                ? Optional.empty()
                : Optional.of(new Specs(parameters.read(guests), parameters.readImages(guests)));
        FolderLock lock;
        try {
            lock = FolderLock.take(workDirectory.toPath(), basedir, getLog()::warn);
        } catch (IOException e) {
            throw new MojoExecutionException(
                    "the folder of object files, " + workDirectory + ", can't be locked: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MojoExecutionException("the build was interrupted while it waited for another one", e);
        }
        GuestAssembler assembler = new GuestAssembler(basedir, workDirectory.toPath(), outputDirectory.toPath());
        try {
            assemble(assembler, specs.isPresent() ? specs.get() : readEach(parameters, assembler));
        } finally {
            lock.close();
        }
    }

    private void assemble(GuestAssembler assembler, Specs specs) throws MojoExecutionException {
        removeGuestsThatAreNoMore(assembler);
        if (guests.isEmpty()) {
            getLog().warn("No guest to assemble: <guests> is empty. Add <guests><guest><id>NAME</id>...; a goal that is"
                    + " named on the command line sees the <configuration> of the plugin, not that of an <execution>");
        }
        Toolchains toolchains = toolchains();
        for (GuestSpec spec : specs.built()) {
            assemble(assembler, spec, toolchains);
        }
        ImagePublisher publisher =
                new ImagePublisher(project.getBasedir().toPath(), workDirectory.toPath(), outputDirectory.toPath());
        for (ImageSpec spec : specs.images()) {
            publish(publisher, spec);
        }
    }

    private void publish(ImagePublisher publisher, ImageSpec spec) throws MojoExecutionException {
        String guest = "guest " + spec.id();
        try {
            spec.detected()
                    .ifPresent(boot -> GuestWarnings.log(
                            getLog(),
                            guest + ": ",
                            boot,
                            spec.file().getFileName().toString()));
            GuestAssembler.Result result = publisher.publish(spec);
            GuestWarnings.log(getLog(), guest, result.layout());
            getLog().info(
                            result.upToDate()
                                    ? guest + " is up to date"
                                    : guest + ": put " + spec.file() + " on the class path, in " + result.folder());
        } catch (IOException e) {
            throw new MojoExecutionException(guest + ": a file can't be read or written: " + Reasons.of(e), e);
        }
    }

    private Specs readEach(GuestParameters parameters, GuestAssembler assembler) throws MojoExecutionException {
        Specs specs = new Specs(new ArrayList<>(), new ArrayList<>());
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < guests.size(); i++) {
            String id = GuestParameters.readId(guests.get(i), i + 1);
            GuestParameters.requireNew(id, ids);
            try {
                specs.built().addAll(parameters.read(List.of(guests.get(i))));
                specs.images().addAll(parameters.readImages(List.of(guests.get(i))));
            } catch (MojoExecutionException e) {
                leaveOut(assembler, id, e.getMessage());
            }
        }
        return specs;
    }

    /** Leaves a guest that can't be built to kvm:check and kvm:verify. */
    private void leaveOut(GuestAssembler assembler, String id, String reason) throws MojoExecutionException {
        try {
            assembler.remove(id);
            new BuildFailures(workDirectory.toPath()).record(id, reason);
        } catch (IOException e) {
            throw new MojoExecutionException(
                    "guest " + id + " was not built: " + reason + "\nand that can't be left to kvm:check: " + e, e);
        }
        getLog().error("guest " + id + " was not built: " + reason);
    }

    private void annotate(String id, String reason) {
        GitHubActions.of(System.getenv(), project.getBasedir().toPath())
                .ifPresent(
                        github -> GitHubReport.annotations(github, id, reason).forEach(System.out::println));
    }

    private void removeGuestsThatAreNoMore(GuestAssembler assembler) throws MojoExecutionException {
        Set<String> known = new HashSet<>();
        guests.forEach(guest -> known.add(guest.id.trim()));
        Plugin plugin = project.getPlugin(execution.getPlugin().getKey());
        if (plugin != null) {
            known.addAll(PomGuests.ids(plugin));
        }
        try {
            for (String id : assembler.removeOthers(known)) {
                getLog().info("guest " + id + " is not in the POM any more and was removed");
            }
        } catch (IOException e) {
            throw new MojoExecutionException("what was built of a former guest can't be removed: " + Reasons.of(e), e);
        }
    }

    private Toolchains toolchains() {
        return new Toolchains(
                () -> {
                    Path cache = cacheDirectory != null
                            ? cacheDirectory.toPath()
                            : ToolCache.defaultRoot(System.getenv(), Path.of(System.getProperty("user.home")));
                    ResolverArtifactSource artifacts = new ResolverArtifactSource(
                            repositorySystem, session.getRepositorySession(), project.getRemoteProjectRepositories());
                    return new PinnedLlvm(
                                    llvmVersion,
                                    HostPlatform.current(),
                                    new ToolCache(cache, getLog()::info),
                                    artifacts)
                            .toolchain();
                },
                SystemPrograms.ofPath(System.getenv()));
    }

    private void assemble(GuestAssembler assembler, GuestSpec spec, Toolchains toolchains)
            throws MojoExecutionException {
        String guest = "guest " + spec.id();
        spec.sources().ignored().ifPresent(ignored -> getLog().warn(guest + ": " + ignored));
        Toolchain toolchain;
        try {
            toolchain = toolchains.get(spec.toolchain(), spec.sources().firstForNasm());
        } catch (ToolchainException e) {
            throw new MojoExecutionException(GuestParameters.at(spec.id(), "toolchain") + e.getMessage(), e);
        }
        try {
            GuestAssembler.Result result = assembler.assemble(spec, toolchain);
            if (result.upToDate()) {
                getLog().info(guest + " is up to date");
                return;
            }
            result.warnings().forEach(this::log);
            GuestWarnings.log(getLog(), guest, result.layout());
            getLog().info(guest + ": built "
                    + result.folder().resolve(result.manifest().image()) + " from "
                    + count(spec.sources().files().size(), "source file") + " with toolchain " + toolchain.kind());
        } catch (GuestBuildException e) {
            e.diagnostics().forEach(this::log);
            if (keepGoing) {
                leaveOut(assembler, spec.id(), e.getMessage());
                return;
            }
            annotate(spec.id(), e.getMessage());
            throw new MojoExecutionException(guest + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw new MojoExecutionException(guest + ": a file can't be read or written: " + Reasons.of(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MojoExecutionException(guest + ": the build was interrupted", e);
        }
    }

    private static String count(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    private void log(Diagnostic diagnostic) {
        if (diagnostic.isError()) {
            getLog().error(diagnostic.text());
        } else {
            getLog().warn(diagnostic.text());
        }
    }
}
