package dev.kvmguest.maven;

import dev.kvmguest.maven.toolchain.ArtifactSource;
import dev.kvmguest.maven.toolchain.ToolchainException;
import java.nio.file.Path;
import java.util.List;
import org.eclipse.aether.RepositorySystem;
import org.eclipse.aether.RepositorySystemSession;
import org.eclipse.aether.artifact.Artifact;
import org.eclipse.aether.artifact.DefaultArtifact;
import org.eclipse.aether.repository.RemoteRepository;
import org.eclipse.aether.resolution.ArtifactRequest;
import org.eclipse.aether.resolution.ArtifactResolutionException;

/** Gets the pinned toolchain as Maven gets any artifact: mirrors, proxies, credentials and offline mode included. */
final class ResolverArtifactSource implements ArtifactSource {

    private final RepositorySystem repositorySystem;
    private final RepositorySystemSession session;
    private final List<RemoteRepository> repositories;

    ResolverArtifactSource(
            RepositorySystem repositorySystem, RepositorySystemSession session, List<RemoteRepository> repositories) {
        this.repositorySystem = repositorySystem;
        this.session = session;
        this.repositories = repositories;
    }

    @Override
    public Path jar(String groupId, String artifactId, String version, String classifier) throws ToolchainException {
        Artifact wanted = new DefaultArtifact(groupId, artifactId, classifier, "jar", version);
        try {
            return repositorySystem
                    .resolveArtifact(session, new ArtifactRequest(wanted, repositories, "kvm-toolchain"))
                    .getArtifact()
                    .getFile()
                    .toPath();
        } catch (ArtifactResolutionException e) {
            throw new ToolchainException(
                    "toolchain llvm: " + wanted + " can't be resolved: " + e.getMessage()
                            + "; check kvm.llvm.version and the project's repositories,"
                            + " or use <toolchain>gcc</toolchain> or <toolchain>clang</toolchain>"
                            + " with a compiler installed on this host",
                    e);
        }
    }
}
