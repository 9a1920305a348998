package dev.kvmguest.maven.toolchain;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Path;
import org.opentest4j.TestAbortedException;

/** The pinned toolchain, from this module's test dependencies. */
public final class PinnedToolchain {

    private PinnedToolchain() {}

    /** Returns the toolchain; on a host for which there is none the test is skipped. */
    public static Toolchain find() throws ToolchainException, IOException {
        HostPlatform platform = platform();
        String name = "org/bytedeco/llvm/" + platform.classifier() + "/llvm-mc";
        URL resource = PinnedToolchain.class.getClassLoader().getResource(name);
        assumeTrue(resource != null, "the LLVM for " + platform.classifier() + " is among the test dependencies");
        Path jar = Path.of(
                ((JarURLConnection) resource.openConnection()).getJarFile().getName());
        ToolCache cache = new ToolCache(
                ToolCache.defaultRoot(System.getenv(), Path.of(System.getProperty("user.home"))), message -> {});
        return new PinnedLlvm(
                        PinnedLlvm.DEFAULT_VERSION, platform, cache, (groupId, artifactId, version, classifier) -> jar)
                .toolchain();
    }

    private static HostPlatform platform() {
        try {
            return HostPlatform.current();
        } catch (ToolchainException e) {
            throw new TestAbortedException(e.getMessage(), e);
        }
    }
}
