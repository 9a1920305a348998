package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.GuestManifest;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.MachineConfig;
import dev.kvmguest.vmm.Outcome;
import dev.kvmguest.vmm.VcpuConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The guests that kvm:assemble has left in a folder of classes. */
public final class BuiltGuests implements GuestBooter {

    private final Path classes;

    /**
     * Creates a view of what was built.
     *
     * @param classes the root of the class path that the guests are on
     */
    public BuiltGuests(Path classes) {
        this.classes = classes;
    }

    /** Returns the ids of the guests that were built, in alphabetical order. */
    public List<String> ids() throws IOException {
        Path root = classes.resolve(GuestManifest.ROOT);
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        try (Stream<Path> folders = Files.list(root)) {
            return folders.filter(folder -> Files.exists(folder.resolve(GuestManifest.FILE_NAME)))
                    .map(folder -> folder.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    /**
     * Returns the manifest of a guest.
     *
     * @throws IllegalArgumentException if it hasn't been built, or its manifest is malformed
     * @throws IOException if the manifest can't be read
     */
    public GuestManifest.Located find(String id) throws IOException {
        Path folder = classes.resolve(GuestManifest.folder(id));
        if (!Files.exists(folder.resolve(GuestManifest.FILE_NAME))) {
            throw new IllegalArgumentException("guest \"" + id + "\" has not been built: there is no "
                    + GuestManifest.FILE_NAME + " in " + folder + "; run kvm:assemble before, or bind it to a phase by"
                    + " <goal>assemble</goal>");
        }
        return GuestManifest.read(folder);
    }

    @Override
    public Outcome boot(GuestCheck check) throws IOException {
        GuestManifest.Located located = find(check.guest());
        MachineConfig.Builder config = MachineConfig.builder()
                .vcpu(VcpuConfig.of(located).withInput(check.input()))
                .timeout(check.timeout())
                .engine(check.engine());
        located.manifest().memory().ifPresent(config::memory);
        try (Machine machine = Machine.create(config.build())) {
            return machine.run();
        }
    }
}
