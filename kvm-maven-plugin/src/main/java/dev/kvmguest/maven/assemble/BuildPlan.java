package dev.kvmguest.maven.assemble;

import dev.kvmguest.maven.toolchain.Compiler;
import dev.kvmguest.maven.toolchain.Compiler.Dialect;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.text.Notation;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The commands that build a guest.
 *
 * <p>Every command runs in the project's base directory and names the project's files relative to it, so that neither
 * debug information nor messages depend on where the project lies.
 */
final class BuildPlan {

    /**
     * The compilation of one source file.
     *
     * @param command the compiler's command
     * @param object the object file it writes
     * @param dependencies the make rule it writes about included files; not every source has one
     */
    record Compilation(List<String> command, Path object, Path dependencies) {}

    private final Path basedir;
    private final Path work;
    private final GuestSpec spec;
    private final Toolchain toolchain;

    /**
     * Creates the plan.
     *
     * @param work the guest's folder for intermediate files
     */
    BuildPlan(Path basedir, Path work, GuestSpec spec, Toolchain toolchain) {
        this.basedir = basedir;
        this.work = work;
        this.spec = spec;
        this.toolchain = toolchain;
    }

    Path elf() {
        return work.resolve(spec.id() + ".elf");
    }

    Path bin() {
        return work.resolve(spec.id() + ".bin");
    }

    Path map() {
        return work.resolve(spec.id() + ".map");
    }

    /** Returns where {@link #builtInScript()} is written to when the guest brings no linker script. */
    Path builtInScriptFile() {
        return work.resolve("guest.ld");
    }

    /** Returns where {@link #header()} is written to, in a folder of its own. */
    Path headerFile() {
        return work.resolve("include").resolve("kvmguest.h");
    }

    /** Returns the library for tests inside guests, which every guest can include. */
    String header() {
        return resource(Machine.class, "guest/kvmguest.h");
    }

    /** Returns a compilation for each source, in the order of linking. */
    List<Compilation> compilations() {
        return spec.sources().files().stream().map(this::compilation).toList();
    }

    /**
     * Returns a command to be run after a compilation; empty if there is nothing more to do. nasm puts the absolute
     * path of the source's folder into its debug information, and the guest would differ from one checkout to the next.
     * The source lines, for which it is made, name files as the command does.
     */
    List<String> afterwards(Compilation compilation) {
        if (!compilation.command().get(0).equals(nasm())) {
            return List.of();
        }
        List<String> command = new ArrayList<>(toolchain.objcopy());
        List.of("info", "abbrev", "aranges", "pubnames", "loc", "frame", "str")
                .forEach(section -> command.add("--remove-section=.debug_" + section));
        command.add(relative(compilation.object()));
        return command;
    }

    private String nasm() {
        return toolchain.compilers().values().stream()
                .filter(compiler -> compiler.dialect() == Dialect.NASM)
                .map(Compiler::program)
                .findFirst()
                .orElse("");
    }

    private Compilation compilation(Path source) {
        String name = RelativePaths.of(spec.sources().root(), source);
        Path object = work.resolve("obj").resolve(name + ".o");
        Path dependencies = work.resolve("obj").resolve(name + ".d");
        Compiler compiler = toolchain.compilerFor(name).orElseThrow();
        List<String> command = new ArrayList<>(compiler.command(spec.target()));
        if (compiler.dialect() == Dialect.NASM) {
            command.add("-I" + relative(source.getParent()) + "/");
            includeFolders().forEach(folder -> command.add("-I" + relative(folder) + "/"));
        } else {
            command.add("-ffile-prefix-map=" + basedir + "=.");
            if (compiler.dialect() == Dialect.CLANG) {
                command.add("-fdebug-compilation-dir=.");
            }
            includeFolders().forEach(folder -> command.add("-I" + relative(folder)));
            // Last, so that a guest's own file of this name wins.
            String headers = relative(headerFile().getParent());
            command.addAll(List.of("-idirafter", headers, "-ffile-prefix-map=" + headers + "=kvmguest"));
            // A .s file isn't preprocessed, and gcc takes the option for an error then.
            if (!name.endsWith(".s")) {
                command.addAll(List.of("-MMD", "-MF", relative(dependencies)));
            }
            command.add("-c");
        }
        if (takesCompilerArgs(compiler)) {
            command.addAll(spec.compilerArgs());
        }
        command.addAll(List.of("-o", relative(object), relative(source)));
        return new Compilation(command, object, dependencies);
    }

    /** The options are nasm's with the toolchain of this name, and those of the C compiler with any other. */
    private boolean takesCompilerArgs(Compiler compiler) {
        return (toolchain.kind() == ToolchainKind.NASM) == (compiler.dialect() == Dialect.NASM);
    }

    private List<Path> includeFolders() {
        List<Path> folders = new ArrayList<>();
        folders.add(spec.sources().root());
        folders.addAll(spec.includes());
        return folders;
    }

    /**
     * Returns the command that links.
     *
     * @param definesStart whether an object file defines {@code _start}; if none does, the built-in script's ENTRY is
     *     replaced by the address of the first byte. PROVIDE(_start = .) won't do: GNU ld prefers it to an object's.
     */
    List<String> linkCommand(boolean definesStart) {
        List<String> command = new ArrayList<>(toolchain.linker());
        command.addAll(List.of(
                "-m", spec.target().emulation(), "-static", "-nostdlib", "--build-id=none", "-z", "noexecstack"));
        // Neither page alignment in the file nor ELF headers in memory: a guest's image is its sections alone.
        command.add("-n");
        if (spec.linkerScript().isEmpty() && !definesStart) {
            command.addAll(List.of("-e", Notation.hex(spec.linkedVirtually())));
        }
        command.addAll(List.of("-T", relative(spec.linkerScript().orElseGet(this::builtInScriptFile))));
        command.addAll(List.of("-Map=" + relative(map()), "-o", relative(elf())));
        command.addAll(spec.linkerArgs());
        compilations().forEach(compilation -> command.add(relative(compilation.object())));
        return command;
    }

    List<String> flattenCommand() {
        List<String> command = new ArrayList<>(toolchain.objcopy());
        command.addAll(List.of("-O", "binary", relative(elf()), relative(bin())));
        return command;
    }

    /** Returns the command that lists the symbols of the linked guest. */
    List<String> symbolsCommand() {
        return listSymbols(List.of(elf()));
    }

    /** Returns the command that lists the symbols of the object files. */
    List<String> objectSymbolsCommand() {
        return listSymbols(compilations().stream().map(Compilation::object).toList());
    }

    private List<String> listSymbols(List<Path> files) {
        List<String> command = new ArrayList<>(toolchain.nm());
        files.forEach(file -> command.add(relative(file)));
        return command;
    }

    /** Returns the linker script for guests without one, for this guest's addresses. */
    String builtInScript() {
        return resource(BuildPlan.class, spec.boot() == BootMode.LIMINE ? "limine.ld" : "guest.ld")
                .replace("@VIRTUAL@", Notation.hex(spec.linkedVirtually()))
                .replace("@PHYSICAL@", Notation.hex(spec.linkedPhysically()));
    }

    private static String resource(Class<?> owner, String name) {
        try (InputStream in = owner.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns a text that differs whenever another guest would be built from files with the same contents. */
    String fingerprint() {
        List<String> lines = new ArrayList<>();
        lines.add(toolchain.identity());
        compilations().forEach(compilation -> lines.add(compilation.command().toString()));
        lines.add(linkCommand(true).toString());
        if (spec.linkerScript().isEmpty()) {
            lines.add(builtInScript());
        }
        // Not among the compilers' lists of included files, which leave out a system's headers.
        lines.add(header());
        lines.add(spec.boot() + " " + spec.load() + " " + spec.entry() + " " + spec.memory());
        lines.add(spec.commandLine());
        spec.modules().forEach(module -> lines.add(relative(module)));
        // A project that was moved or copied as it is would be built into the same bytes.
        return String.join("\n", lines).replace(basedir.toString(), ".");
    }

    /** Returns the files that the guest is built from, included ones too; to be called after the compilers ran. */
    List<Path> inputs() throws IOException {
        InputScanner scanner = new InputScanner(basedir, includeFolders());
        for (Path source : spec.sources().files()) {
            scanner.add(source);
        }
        for (Compilation compilation : compilations()) {
            scanner.addDependencies(compilation.dependencies());
        }
        if (spec.linkerScript().isPresent()) {
            scanner.add(spec.linkerScript().get());
        }
        for (Path module : spec.modules()) {
            scanner.add(module);
        }
        for (String argument : spec.compilerArgs()) {
            scanner.addArgument(argument);
        }
        for (String argument : spec.linkerArgs()) {
            scanner.addArgument(argument);
        }
        return scanner.files();
    }

    private String relative(Path file) {
        return RelativePaths.of(basedir, file);
    }
}
