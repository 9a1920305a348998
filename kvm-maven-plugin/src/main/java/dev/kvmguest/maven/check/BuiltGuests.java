package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The guests that kvm:assemble has left in a folder of classes. */
public final class BuiltGuests implements GuestBooter, AutoCloseable {

    private final Path classes;
    private final BootedGuests booted = new BootedGuests();

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

    /** Returns the files that a guest that was built consists of. */
    public List<Path> files(String id) throws IOException {
        try (Stream<Path> files = Files.list(classes.resolve(GuestManifest.folder(id)))) {
            return files.toList();
        }
    }

    /**
     * Returns the tests inside a guest, from its ELF file.
     *
     * @throws IllegalArgumentException if it hasn't been built, or has none, or their table is damaged
     * @throws IOException if a file can't be read
     */
    public List<GuestTestCase> tests(String id) throws IOException {
        List<GuestTestCase> tests = find(id).elf().guestTests();
        if (tests.isEmpty()) {
            throw new IllegalArgumentException("guest \"" + id + "\" has no tests; define some with KVMGUEST_TEST of"
                    + " kvmguest.h, and call kvmguest_run_tests()");
        }
        return tests;
    }

    @Override
    public Outcome boot(GuestCheck check) throws IOException {
        GuestManifest.Located located = find(check.guest());
        VcpuConfig vcpu = VcpuConfig.of(located).withInput(check.input());
        if (check.commandLine().isPresent()) {
            vcpu = vcpu.withCommandLine(check.commandLine().get());
        }
        if (check.modules().isPresent()) {
            vcpu = vcpu.withModules(read(check.modules().get()));
        }
        if (check.guestTest().isPresent()) {
            vcpu = vcpu.withGuestTest(check.guestTest().get());
        }
        MachineConfig.Builder config = MachineConfig.builder()
                .vcpu(vcpu)
                .timeout(check.timeout())
                .date(check.date())
                .engine(check.engine())
                .qemuArguments(check.qemuArguments());
        located.manifest().memory().ifPresent(config::memory);
        try (Machine machine = booted.machine(check, config.build())) {
            return machine.run();
        }
    }

    /** Gives up what was booted for several checks. */
    @Override
    public void close() {
        booted.close();
    }

    private static List<BootModule> read(List<Path> files) throws IOException {
        List<BootModule> modules = new ArrayList<>();
        for (Path file : files) {
            modules.add(BootModule.read(file));
        }
        return modules;
    }
}
