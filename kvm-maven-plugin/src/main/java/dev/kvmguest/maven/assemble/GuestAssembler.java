package dev.kvmguest.maven.assemble;

import dev.kvmguest.maven.assemble.BuildPlan.Compilation;
import dev.kvmguest.maven.files.FileTrees;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.DetectedBoot;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.text.Notation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Builds guests: compiles, links, flattens and puts the results on the class path, unless they are there already.
 *
 * <p>The results are an ELF file, a flat binary, the linker's map, the list of symbols and the manifest.
 */
public final class GuestAssembler {

    /** Far more than a guest's largest file takes; a compiler that is still running hangs. */
    private static final Duration TOOL_LIMIT = Duration.ofMinutes(5);

    /** A flat binary that spans more has a hole, as when a section was left at its linear address. */
    private static final long LARGEST_FLAT_BINARY = 256L << 20;

    /** A line of the symbol list; an upper-case type is that of a global symbol. */
    private static final Predicate<String> GLOBAL_START =
            Pattern.compile("\\S+ [A-Z] _start").asMatchPredicate();

    private final Path basedir;
    private final Path workRoot;
    private final Path outputDirectory;

    /**
     * What became of a guest.
     *
     * @param upToDate whether nothing had to be done
     * @param manifest the guest's manifest
     * @param folder the folder on the class path with the guest's files
     * @param warnings what the compilers and the linker warned of
     * @param layout what lies where when the guest is booted as it is, with warnings of what lies close
     */
    public record Result(
            boolean upToDate, GuestManifest manifest, Path folder, List<Diagnostic> warnings, MemoryLayout layout) {}

    /**
     * Creates an assembler.
     *
     * @param basedir the project's base directory
     * @param workRoot the folder with a folder of intermediate files for each guest
     * @param outputDirectory the root of the class path that the guests go to
     */
    public GuestAssembler(Path basedir, Path workRoot, Path outputDirectory) {
        this.basedir = basedir.toAbsolutePath().normalize();
        this.workRoot = workRoot;
        this.outputDirectory = outputDirectory;
    }

    /**
     * Builds a guest if it, its options or its toolchain changed since it was built.
     *
     * @throws GuestBuildException if the sources have errors or a program can't be run
     * @throws IOException if a file can't be read or written
     */
    public Result assemble(GuestSpec spec, Toolchain toolchain)
            throws GuestBuildException, IOException, InterruptedException {
        Path work = workRoot.resolve(spec.id());
        Path folder = outputDirectory.resolve(GuestManifest.folder(spec.id()));
        BuildPlan plan = new BuildPlan(basedir, work, spec, toolchain);
        Optional<BuildRecord> last = BuildRecord.read(work);
        if (last.isPresent() && last.get().isCurrent(basedir, plan.fingerprint(), outputs(spec, folder))) {
            return new Result(true, GuestManifest.read(folder).manifest(), folder, List.of(), MemoryLayout.UNKNOWN);
        }
        // From here on until the build is done there is neither a record nor an old guest that a test could boot.
        if (last.isPresent()) {
            last.get().deleteOutputs(basedir);
        }
        FileTrees.delete(work);
        Tool tool = new Tool(basedir, TOOL_LIMIT);
        List<Diagnostic> warnings = new ArrayList<>(compile(plan, tool));
        warnings.addAll(link(plan, spec, tool));
        GuestImage elf;
        GuestManifest manifest;
        try {
            elf = GuestImage.read(plan.elf());
            requireDense(elf);
            manifest = Manifests.of(spec, elf);
        } catch (IllegalArgumentException e) {
            throw new GuestBuildException("the linked " + e.getMessage(), e);
        }
        unusedHeader(spec, elf).ifPresent(warnings::add);
        publish(plan, spec, manifest, tool, folder);
        BuildRecord.of(basedir, plan.fingerprint(), plan.inputs(), outputs(spec, folder))
                .write(work);
        return new Result(false, manifest, folder, warnings, layout(folder));
    }

    /** Whether a guest that can't be booted as it is can be booted otherwise is for its checks and tests to say. */
    static MemoryLayout layout(Path folder) throws IOException {
        GuestManifest.Located located = GuestManifest.read(folder);
        long memory = located.manifest().memory().orElse(MachineConfig.DEFAULT_MEMORY);
        try {
            return Machine.layout(MachineConfig.builder()
                    .vcpu(VcpuConfig.of(located))
                    .memory(memory)
                    .build());
        } catch (IllegalArgumentException e) {
            return new MemoryLayout(List.of(), List.of("it can't be loaded as it is: " + e.getMessage()));
        }
    }

    private static List<Path> outputs(GuestSpec spec, Path folder) {
        Stream<String> modules =
                spec.modules().stream().map(module -> module.getFileName().toString());
        return Stream.concat(
                        Stream.of(
                                spec.id() + ".elf",
                                spec.id() + ".bin",
                                spec.id() + ".map",
                                spec.id() + ".sym",
                                GuestManifest.FILE_NAME),
                        modules)
                .map(folder::resolve)
                .toList();
    }

    /** Compiles every source before it fails for one, so that all errors are seen at once. */
    private List<Diagnostic> compile(BuildPlan plan, Tool tool)
            throws GuestBuildException, IOException, InterruptedException {
        List<Diagnostic> diagnostics = new ArrayList<>();
        Files.createDirectories(plan.headerFile().getParent());
        Files.writeString(plan.headerFile(), plan.header());
        for (Compilation compilation : plan.compilations()) {
            Files.createDirectories(compilation.object().getParent());
            for (Diagnostic objection : DiagnosticParser.ofCompiler(
                    basedir, programOf(compilation.command()), tool.run(compilation.command()))) {
                diagnostics.add(OrgHint.addTo(objection, basedir));
            }
        }
        List<Diagnostic> warnings = warningsOf(diagnostics);
        for (Compilation compilation : plan.compilations()) {
            List<String> command = plan.afterwards(compilation);
            if (!command.isEmpty()) {
                requireSuccess(command, tool);
            }
        }
        return warnings;
    }

    private List<Diagnostic> link(BuildPlan plan, GuestSpec spec, Tool tool)
            throws GuestBuildException, IOException, InterruptedException {
        if (spec.linkerScript().isEmpty()) {
            Files.writeString(plan.builtInScriptFile(), plan.builtInScript());
        }
        boolean definesStart = SymbolList.of(requireSuccess(plan.objectSymbolsCommand(), tool))
                .lines()
                .anyMatch(GLOBAL_START);
        List<String> command = plan.linkCommand(definesStart);
        return warningsOf(DiagnosticParser.ofLinker(basedir, programOf(command), tool.run(command)));
    }

    private void publish(BuildPlan plan, GuestSpec spec, GuestManifest manifest, Tool tool, Path folder)
            throws GuestBuildException, IOException, InterruptedException {
        requireSuccess(plan.flattenCommand(), tool);
        String symbols = SymbolList.of(requireSuccess(plan.symbolsCommand(), tool));
        // The objects' folder is of no interest, and may be an absolute path.
        String workPrefix = RelativePaths.of(basedir, workRoot.resolve(spec.id())) + "/";
        String map = Files.readString(plan.map()).replace(workPrefix, "");

        Files.createDirectories(folder);
        Files.copy(plan.elf(), folder.resolve(spec.id() + ".elf"), StandardCopyOption.REPLACE_EXISTING);
        Files.copy(plan.bin(), folder.resolve(spec.id() + ".bin"), StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(folder.resolve(spec.id() + ".map"), map);
        Files.writeString(folder.resolve(spec.id() + ".sym"), symbols);
        for (Path module : spec.modules()) {
            Files.copy(module, folder.resolve(module.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.writeString(folder.resolve(GuestManifest.FILE_NAME), manifest.toText());
    }

    private static String loader(BootMode mode) {
        return switch (mode) {
            case MULTIBOOT2 -> "Multiboot 2";
            case LIMINE -> "Limine";
            case PVH -> "PVH";
            default -> "Multiboot";
        };
    }

    /** Returns what says that an image is meant for such a loader. */
    private static String mark(BootMode mode) {
        return switch (mode) {
            case LIMINE -> "requests of the Limine boot protocol";
            case PVH -> "the Xen note of a PVH kernel";
            default -> "a " + loader(mode) + " header";
        };
    }

    /** Whoever writes no boot mode gets real mode, which looks for nothing that is meant for a boot loader. */
    private static Optional<Diagnostic> unusedHeader(GuestSpec spec, GuestImage elf) {
        BootMode meant = DetectedBoot.of(elf).boot();
        if (spec.boot() != BootMode.REAL || !meant.hasLoader()) {
            return Optional.empty();
        }
        String name = spec.id() + ".elf";
        String message = "has " + mark(meant) + ", but boot mode real, the default, enters it without a loader; if a "
                + loader(meant) + " loader is to boot it, give the guest <boot>" + meant + "</boot>";
        return Optional.of(new Diagnostic(Diagnostic.Severity.WARNING, name, message, name + " " + message));
    }

    private static void requireDense(GuestImage elf) {
        long span = elf.physicalEnd() - Manifests.first(elf).physicalAddress();
        if (Long.compareUnsigned(span, LARGEST_FLAT_BINARY) > 0) {
            throw new IllegalArgumentException("image " + elf.name() + " spans " + Long.toUnsignedString(span)
                    + " bytes of physical memory, from " + Notation.hex(elf.physicalStart()) + " to "
                    + Notation.hex(elf.physicalEnd())
                    + "; give the sections that the linker script puts high a physical address with AT(...)");
        }
    }

    private static String requireSuccess(List<String> command, Tool tool)
            throws GuestBuildException, InterruptedException {
        Tool.Result result = tool.run(command);
        if (result.failed()) {
            throw new GuestBuildException(programOf(command) + " failed with exit code " + result.exitCode() + ": "
                    + result.output().strip());
        }
        return result.output();
    }

    private static List<Diagnostic> warningsOf(List<Diagnostic> diagnostics) throws GuestBuildException {
        if (diagnostics.stream().anyMatch(Diagnostic::isError)) {
            throw GuestBuildException.of(diagnostics);
        }
        return diagnostics;
    }

    private static String programOf(List<String> command) {
        return Path.of(command.get(0)).getFileName().toString().replaceFirst("\\.exe$", "");
    }

    /**
     * Removes what was built for guests that are no more.
     *
     * @param known the ids of the guests that there still are
     * @return the ids of the guests removed, in order
     */
    public List<String> removeOthers(Set<String> known) throws IOException {
        if (!Files.isDirectory(workRoot)) {
            return List.of();
        }
        List<Path> folders;
        try (Stream<Path> children = Files.list(workRoot)) {
            folders = children.filter(Files::isDirectory).sorted().toList();
        }
        List<String> removed = new ArrayList<>();
        for (Path work : folders) {
            String id = work.getFileName().toString();
            boolean ours = BuildRecord.read(work).isPresent()
                    || new BuildFailures(workRoot).of(id).isPresent();
            if (!known.contains(id) && ours) {
                remove(id);
                removed.add(id);
            }
        }
        return removed;
    }

    /** Removes what was built for a guest, so that no test can boot it, and what is known of its last build. */
    public void remove(String id) throws IOException {
        Path work = workRoot.resolve(id);
        Optional<BuildRecord> record = BuildRecord.read(work);
        if (record.isPresent()) {
            record.get().deleteOutputs(basedir);
        }
        FileTrees.delete(work);
    }
}
