package dev.kvmguest.maven.assemble;

import dev.kvmguest.maven.files.FileTrees;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.memory.MemoryLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Puts images that something else builds on the class path, with a manifest each, unless they are there already. */
public final class ImagePublisher {

    private final Path basedir;
    private final Path workRoot;
    private final Path outputDirectory;

    /**
     * Creates a publisher; the folders are those of {@link GuestAssembler}, which removes what is no more.
     *
     * @param basedir the project's base directory
     * @param workRoot the folder with a folder of records for each guest
     * @param outputDirectory the root of the class path that the guests go to
     */
    public ImagePublisher(Path basedir, Path workRoot, Path outputDirectory) {
        this.basedir = basedir.toAbsolutePath().normalize();
        this.workRoot = workRoot;
        this.outputDirectory = outputDirectory;
    }

    /**
     * Publishes a guest if its image, modules or settings have changed since.
     *
     * @throws IOException if a file can't be read or written
     */
    public GuestAssembler.Result publish(ImageSpec spec) throws IOException {
        Path work = workRoot.resolve(spec.id());
        Path folder = outputDirectory.resolve(GuestManifest.folder(spec.id()));
        GuestManifest manifest = spec.manifest(basedir);
        List<Path> inputs = new ArrayList<>(spec.modules());
        inputs.add(0, spec.file());
        List<Path> outputs = new ArrayList<>();
        outputs.add(folder.resolve(spec.fileName()));
        spec.modules().forEach(module -> outputs.add(folder.resolve(module.getFileName())));
        Optional<BuildRecord> last = BuildRecord.read(work);
        Path manifestFile = folder.resolve(GuestManifest.FILE_NAME);
        List<Path> all = new ArrayList<>(outputs);
        all.add(manifestFile);
        if (last.isPresent() && last.get().isCurrent(basedir, manifest.toText(), all)) {
            return new GuestAssembler.Result(true, manifest, folder, List.of(), MemoryLayout.UNKNOWN);
        }
        if (last.isPresent()) {
            last.get().deleteOutputs(basedir);
        }
        FileTrees.delete(work);
        Files.createDirectories(folder);
        for (int i = 0; i < inputs.size(); i++) {
            Files.copy(inputs.get(i), outputs.get(i), StandardCopyOption.REPLACE_EXISTING);
        }
        Files.writeString(manifestFile, manifest.toText());
        Files.createDirectories(work);
        BuildRecord.of(basedir, manifest.toText(), inputs, all).write(work);
        return new GuestAssembler.Result(false, manifest, folder, List.of(), GuestAssembler.layout(folder));
    }
}
