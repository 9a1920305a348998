package dev.kvmguest.maven.toolchain;

import java.util.List;
import java.util.Locale;

/**
 * An operating system and processor that the pinned toolchain is published for.
 *
 * @param classifier the artifact's classifier, such as {@code linux-x86_64}
 */
public record HostPlatform(String classifier) {

    // The classifiers that org.bytedeco:llvm-platform:20.1.7-1.5.12 lists.
    private static final List<String> PUBLISHED =
            List.of("linux-x86_64", "linux-arm64", "macosx-x86_64", "macosx-arm64", "windows-x86_64");

    /**
     * Returns the platform that this JVM runs on.
     *
     * @throws ToolchainException if the toolchain isn't published for it
     */
    public static HostPlatform current() throws ToolchainException {
        return of(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    /**
     * Returns the platform with these values of the system properties {@code os.name} and {@code os.arch}.
     *
     * @throws ToolchainException if the toolchain isn't published for it
     */
    static HostPlatform of(String osName, String osArch) throws ToolchainException {
        String classifier = system(osName.toLowerCase(Locale.ROOT)) + "-" + processor(osArch.toLowerCase(Locale.ROOT));
        if (!PUBLISHED.contains(classifier)) {
            throw new ToolchainException("toolchain llvm is not published for " + osName + " on " + osArch
                    + ", only for " + String.join(", ", PUBLISHED)
                    + "; use <toolchain>gcc</toolchain> or <toolchain>clang</toolchain>"
                    + " with a compiler installed on this host");
        }
        return new HostPlatform(classifier);
    }

    private static String system(String name) {
        if (name.startsWith("mac")) {
            return "macosx";
        }
        return name.startsWith("windows") ? "windows" : name;
    }

    private static String processor(String name) {
        return switch (name) {
            case "amd64", "x86-64" -> "x86_64";
            case "aarch64" -> "arm64";
            default -> name;
        };
    }

    /** Returns a program's file name on this platform. */
    String executable(String program) {
        return classifier.startsWith("windows") ? program + ".exe" : program;
    }
}
