package dev.kvmguest.maven.toolchain;

import java.nio.file.Path;

/** Where the pinned toolchain's jar comes from: Maven's artifact resolver, or a file in a test. */
@FunctionalInterface
public interface ArtifactSource {

    /**
     * Returns the jar with these coordinates, fetching it when necessary.
     *
     * @throws ToolchainException if it can't be had
     */
    Path jar(String groupId, String artifactId, String version, String classifier) throws ToolchainException;
}
