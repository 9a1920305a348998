package dev.kvmguest.maven.toolchain;

import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The compilers and binary tools that are installed on this host, found by name on the PATH. */
public final class SystemPrograms {

    private static final String SAME_NAME = "Debian, Ubuntu and Fedora call it so";

    private static final Map<String, String> PACKAGES = Map.of(
            "gcc", "gcc",
            "ld", "binutils",
            "objcopy", "binutils",
            "nm", "binutils",
            "clang", "clang",
            "ld.lld", "lld",
            "nasm", "nasm");

    private final List<Path> path;

    /** Creates a finder for these folders, first one first. */
    public SystemPrograms(List<Path> path) {
        this.path = List.copyOf(path);
    }

    /** Creates a finder for the folders in the environment's PATH. */
    public static SystemPrograms ofPath(Map<String, String> environment) {
        String path = environment.getOrDefault("PATH", "");
        return new SystemPrograms(Arrays.stream(path.split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(Path::of)
                .toList());
    }

    /**
     * Returns gcc with the GNU linker and binary tools.
     *
     * @throws ToolchainException if one of them isn't installed
     */
    public Toolchain gcc() throws ToolchainException {
        Path gcc = require(ToolchainKind.GCC, "gcc");
        Path ld = require(ToolchainKind.GCC, "ld");
        Path objcopy = require(ToolchainKind.GCC, "objcopy");
        Path nm = require(ToolchainKind.GCC, "nm");
        Compiler compiler = Compiler.gcc(gcc.toString());
        return new Toolchain(
                ToolchainKind.GCC,
                identity(gcc, ld, objcopy, nm),
                Map.of(".c", compiler, ".S", compiler, ".s", compiler),
                List.of(ld.toString()),
                List.of(objcopy.toString()),
                List.of(nm.toString()));
    }

    /**
     * Returns the host's clang and lld with LLVM's binary tools, or the GNU ones where LLVM's aren't installed.
     *
     * @throws ToolchainException if one of them isn't installed
     */
    public Toolchain clang() throws ToolchainException {
        Path clang = require(ToolchainKind.CLANG, "clang");
        Path lld = require(ToolchainKind.CLANG, "ld.lld");
        Path objcopy = findOrRequire(ToolchainKind.CLANG, "llvm-objcopy", "objcopy");
        Path nm = findOrRequire(ToolchainKind.CLANG, "llvm-nm", "nm");
        Compiler compiler = Compiler.clang(clang.toString(), List.of());
        return new Toolchain(
                ToolchainKind.CLANG,
                identity(clang, lld, objcopy, nm),
                Map.of(".c", compiler, ".S", compiler, ".s", compiler),
                List.of(lld.toString()),
                List.of(objcopy.toString()),
                List.of(nm.toString()));
    }

    /**
     * Returns a toolchain with nasm beside it, for {@code .asm} and {@code .nasm} files.
     *
     * @param source one of these files, for the message
     * @throws ToolchainException if nasm isn't installed
     */
    public Toolchain withNasm(Toolchain rest, String source) throws ToolchainException {
        Path nasm = find("nasm")
                .orElseThrow(() -> new ToolchainException(source + " is for nasm, and the program nasm is not on the"
                        + " PATH; install the package " + PACKAGES.get("nasm") + " (" + SAME_NAME + ")"));
        Compiler assembler = Compiler.nasm(nasm.toString());
        Map<String, Compiler> compilers = new HashMap<>(rest.compilers());
        ToolchainKind.FOR_NASM.forEach(extension -> compilers.put(extension, assembler));
        return new Toolchain(
                rest.kind(), identity(nasm) + rest.identity(), compilers, rest.linker(), rest.objcopy(), rest.nm());
    }

    private Path findOrRequire(ToolchainKind kind, String preferred, String other) throws ToolchainException {
        Optional<Path> found = find(preferred);
        return found.isPresent() ? found.get() : require(kind, other);
    }

    private Path require(ToolchainKind kind, String program) throws ToolchainException {
        return find(program)
                .orElseThrow(() -> new ToolchainException("toolchain " + kind + ": the program " + program
                        + " is not on the PATH; install the package " + PACKAGES.get(program)
                        + " (" + SAME_NAME + "), or leave <toolchain> out to use the pinned llvm"));
    }

    private Optional<Path> find(String program) {
        return path.stream()
                .flatMap(folder -> List.of(folder.resolve(program), folder.resolve(program + ".exe")).stream())
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst();
    }

    /** An upgrade of a package changes the size or the time of its programs. */
    private static String identity(Path... programs) throws ToolchainException {
        StringBuilder identity = new StringBuilder();
        for (Path program : programs) {
            try {
                identity.append(program)
                        .append(' ')
                        .append(Files.size(program))
                        .append(' ')
                        .append(Files.getLastModifiedTime(program))
                        .append('\n');
            } catch (IOException e) {
                throw new ToolchainException("a program can't be read: " + Reasons.of(program, e), e);
            }
        }
        return identity.toString();
    }
}
