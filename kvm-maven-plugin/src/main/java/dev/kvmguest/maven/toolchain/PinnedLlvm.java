package dev.kvmguest.maven.toolchain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The default toolchain: clang, lld and llvm-objcopy as {@code org.bytedeco:llvm} publishes them for a host platform.
 *
 * <p>Only the programs that build guests, the libraries that they load and clang's own headers are
 * unpacked. They go to {@code bin} and {@code lib}, for which the programs' run paths are made and where clang looks
 * for its headers.
 */
public final class PinnedLlvm {

    /** The version that is used when a POM names none. */
    public static final String DEFAULT_VERSION = "20.1.7-1.5.12";

    static final String GROUP_ID = "org.bytedeco";
    static final String ARTIFACT_ID = "llvm";

    // llvm-mc is not needed to build a guest; it is there to assemble and disassemble single instructions.
    private static final List<String> PROGRAMS = List.of("clang", "lld", "llvm-objcopy", "llvm-nm", "llvm-mc");
    private static final List<String> LIBRARIES = List.of("libLLVM", "libclang-cpp");
    private static final String HEADERS = "lib/clang/";
    private static final Pattern MAJOR_MINOR = Pattern.compile("(\\d+\\.\\d+).*");

    private final String version;
    private final HostPlatform platform;
    private final ToolCache cache;
    private final ArtifactSource artifacts;

    /** Creates the toolchain's description; nothing is fetched before {@link #toolchain()}. */
    public PinnedLlvm(String version, HostPlatform platform, ToolCache cache, ArtifactSource artifacts) {
        this.version = version;
        this.platform = platform;
        this.cache = cache;
        this.artifacts = artifacts;
    }

    /**
     * Returns the toolchain, fetched and unpacked if this user's cache doesn't have it yet.
     *
     * @throws ToolchainException if it can't be fetched or unpacked
     */
    public Toolchain toolchain() throws ToolchainException {
        Path folder = cache.folder(folderName(version, platform), this::unpack);
        Compiler clang = clang(folder);
        return new Toolchain(
                ToolchainKind.LLVM,
                "llvm " + version,
                Map.of(".c", clang, ".S", clang, ".s", clang),
                List.of(program(folder, "lld"), "-flavor", "gnu"),
                List.of(program(folder, "llvm-objcopy")),
                List.of(program(folder, "llvm-nm")));
    }

    /**
     * Returns whether a cache has a toolchain already.
     *
     * @throws ToolchainException if the cache can't be read
     */
    public static boolean isIn(ToolCache cache, String version, HostPlatform platform) throws ToolchainException {
        return cache.has(folderName(version, platform));
    }

    private static String folderName(String version, HostPlatform platform) {
        return "llvm-" + version + "-" + platform.classifier();
    }

    private Compiler clang(Path folder) {
        Path resources = folder.resolve("lib").resolve("clang").resolve(version.replaceFirst("\\..*", ""));
        return Compiler.clang(
                program(folder, "clang"),
                List.of(
                        // A configuration file of the host's would change the guest.
                        "--no-default-config",
                        "-resource-dir=" + resources,
                        // The debug information names clang's headers by the toolchain's version, not by the cache.
                        "-ffile-prefix-map=" + resources + "=llvm-" + version));
    }

    private String program(Path folder, String name) {
        return folder.resolve("bin").resolve(platform.executable(name)).toString();
    }

    private void unpack(Path folder) throws IOException, ToolchainException {
        Path jar = artifacts.jar(GROUP_ID, ARTIFACT_ID, version, platform.classifier());
        String prefix = "org/bytedeco/llvm/" + platform.classifier() + "/";
        try (JarFile file = new JarFile(jar.toFile())) {
            for (Enumeration<JarEntry> entries = file.entries(); entries.hasMoreElements(); ) {
                JarEntry entry = entries.nextElement();
                if (entry.isDirectory() || !entry.getName().startsWith(prefix)) {
                    continue;
                }
                String name = entry.getName().substring(prefix.length());
                Path target = target(folder, name);
                if (target != null) {
                    copy(file, entry, target);
                }
            }
        }
        for (String program : PROGRAMS) {
            Path executable = Path.of(program(folder, program));
            if (!Files.exists(executable)) {
                throw new ToolchainException("toolchain llvm " + version + ": " + jar.getFileName() + " has no "
                        + executable.getFileName() + "; set kvm.llvm.version to a version that has it, such as "
                        + DEFAULT_VERSION);
            }
            if (!executable.toFile().setExecutable(true, false)) {
                throw new IOException(executable + " can't be made executable");
            }
        }
        linkSonames(folder.resolve("lib"));
    }

    /** Returns where a file of the jar goes, or null if it isn't needed. */
    private Path target(Path folder, String name) {
        if (name.startsWith(HEADERS)) {
            Path target = folder.resolve(name).normalize();
            return target.startsWith(folder) ? target : null;
        }
        if (PROGRAMS.stream().map(platform::executable).anyMatch(name::equals)) {
            return folder.resolve("bin").resolve(name);
        }
        boolean library =
                LIBRARIES.stream().anyMatch(stem -> name.equals(stem + ".so") || name.equals(stem + ".dylib"));
        return library ? folder.resolve("lib").resolve(name) : null;
    }

    private static void copy(JarFile jar, JarEntry entry, Path target) throws IOException {
        Files.createDirectories(target.getParent());
        try (InputStream in = jar.getInputStream(entry)) {
            Files.copy(in, target);
        }
    }

    /** Links the sonames, such as libLLVM.so.20.1, that the programs ask for; a jar can't hold links. */
    private void linkSonames(Path folder) throws IOException {
        Matcher majorMinor = MAJOR_MINOR.matcher(version);
        for (String library : LIBRARIES) {
            Path file = folder.resolve(library + ".so");
            if (majorMinor.matches() && Files.exists(file)) {
                Files.createSymbolicLink(folder.resolve(library + ".so." + majorMinor.group(1)), file.getFileName());
            }
        }
    }
}
