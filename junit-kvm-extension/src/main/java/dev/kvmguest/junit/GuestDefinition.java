package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.DetectedBoot;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.text.Notation;
import dev.kvmguest.vmm.text.Reasons;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Makes a machine's configuration from settings: finds manifests and images, and lets the annotation win over them. */
final class GuestDefinition {

    private static final System.Logger LOG = System.getLogger(GuestDefinition.class.getName());

    private final GuestSettings settings;
    private final ClassLoader loader;

    private GuestDefinition(GuestSettings settings, ClassLoader loader) {
        this.settings = settings;
        this.loader = loader;
    }

    /**
     * Returns the machine that the settings describe.
     *
     * @param loader finds manifests and image resources
     * @throws IllegalArgumentException if they describe no machine; the message names the attribute, its value and the
     *     way out
     */
    static MachineConfig machine(GuestSettings settings, ClassLoader loader) {
        return new GuestDefinition(settings, loader).machine();
    }

    /**
     * Returns the tests inside the only guest that the settings name.
     *
     * @throws IllegalArgumentException if the guest has no tests, or their table is damaged
     */
    static List<GuestTestCase> guestTests(GuestSettings settings, ClassLoader loader) {
        GuestDefinition definition = new GuestDefinition(settings, loader);
        GuestImage image = settings.ids().isEmpty()
                ? definition.read(settings.images().get(0))
                : elf(definition.manifest(settings.ids().get(0)));
        List<GuestTestCase> tests = image.guestTests();
        if (tests.isEmpty()) {
            throw new IllegalArgumentException("image " + image.name() + " has no tests; "
                    + (image.format() == GuestImage.Format.FLAT
                            ? "a flat image has no table of them, name the ELF file"
                            : "define some with KVMGUEST_TEST of kvmguest.h, call kvmguest_run_tests(), and don't strip"
                                    + " the file of its symbols"));
        }
        return tests;
    }

    /** Returns where the source files of the guests are that the settings name. */
    static SourceFolders sources(GuestSettings settings, ClassLoader loader) {
        GuestDefinition definition = new GuestDefinition(settings, loader);
        List<Path> guests = new ArrayList<>();
        for (String id : settings.ids()) {
            guests.addAll(definition.manifest(id).files());
        }
        for (String image : settings.images()) {
            guests.add(Path.of(image));
        }
        return new SourceFolders(Path.of(""), guests);
    }

    private static GuestImage elf(GuestManifest.Located located) {
        try {
            return located.elf();
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "the ELF file beside " + located.url() + ", which has the guest's tests, can't be read: "
                            + Reasons.of(e),
                    e);
        }
    }

    private MachineConfig machine() {
        if (!settings.namesGuest()) {
            throw new IllegalArgumentException(
                    "no guest is named; set id to the id of a guest that kvm:assemble builds," + " or image to a file");
        }
        List<VcpuConfig> guests = new ArrayList<>();
        OptionalLong memory = OptionalLong.empty();
        for (String id : settings.ids()) {
            GuestManifest.Located located = manifest(id);
            guests.add(vcpu(located));
            OptionalLong wanted = located.manifest().memory();
            if (wanted.isPresent() && wanted.getAsLong() > memory.orElse(0)) {
                memory = wanted;
            }
        }
        for (String image : settings.images()) {
            guests.add(VcpuConfig.of(read(image)));
        }
        int vcpus = vcpus(guests.size());
        if (vcpus == 1 && !settings.images().isEmpty() && settings.boot().isEmpty()) {
            guests.set(0, detected(guests.get(0)));
        }
        MachineConfig.Builder machine = MachineConfig.builder();
        for (int i = 0; i < vcpus; i++) {
            VcpuConfig vcpu = configured(guests.get(guests.size() == 1 ? 0 : i), i, vcpus);
            if (guests.size() < vcpus) {
                requireOwnSegment(vcpu);
            }
            machine.vcpu(vcpu);
        }
        memory.ifPresent(machine::memory);
        settings.memory().ifPresent(text -> machine.memory(Notation.parseSize("memory", text)));
        settings.timeout().ifPresent(text -> machine.timeout(Notation.parseDuration("timeout", text)));
        settings.date().ifPresent(text -> machine.date(Notation.parseDate("date", text)));
        settings.engine().ifPresent(machine::engine);
        settings.watchExceptions().ifPresent(machine::watchExceptions);
        machine.qemuArguments(settings.qemuArguments());
        return machine.build();
    }

    /** Only a guest that has the machine to itself can be in another mode than real mode. */
    private static VcpuConfig detected(VcpuConfig guest) {
        DetectedBoot detected = DetectedBoot.of(guest.image());
        if (detected.isNews()) {
            LOG.log(Level.INFO, detected.describe(guest.image().name()));
        }
        detected.warning(guest.image().name()).ifPresent(warning -> LOG.log(Level.WARNING, warning));
        return guest.withBoot(detected.boot());
    }

    private int vcpus(int guests) {
        int vcpus = settings.vcpus();
        if (guests > 1 && vcpus != 0 && vcpus != guests) {
            throw new IllegalArgumentException("vcpus = " + vcpus + " differs from the number of guests, " + guests
                    + ", which get a vCPU each; leave it out");
        }
        return vcpus == 0 ? guests : vcpus;
    }

    private VcpuConfig configured(VcpuConfig guest, int number, int vcpus) {
        VcpuConfig vcpu = guest;
        if (settings.boot().isPresent()) {
            vcpu = vcpu.withBoot(settings.boot().get());
        }
        if (settings.load().isPresent()) {
            vcpu = vcpu.withLoad(Notation.parseAddress("load", settings.load().get()));
        }
        if (settings.entry().isPresent()) {
            vcpu = vcpu.withEntry(EntryPoint.parse(settings.entry().get()));
        }
        if (settings.commandLine().isPresent()) {
            vcpu = vcpu.withCommandLine(settings.commandLine().get());
        }
        if (!settings.modules().isEmpty()) {
            vcpu = vcpu.withModules(
                    settings.modules().stream().map(this::module).toList());
        }
        if (vcpus > 1 && placesItself(vcpu)) {
            vcpu = vcpu.withEntry(EntryPoint.segmented((int) (vcpu.flatLoad() >> 4), 0));
        }
        List<String> input = settings.input();
        if (input.size() > 1 && input.size() != vcpus) {
            throw new IllegalArgumentException("input has " + input.size() + " texts for " + vcpus
                    + " vCPU(s); give one for every vCPU, or one for each");
        }
        return input.isEmpty() ? vcpu : vcpu.withInput(input.get(input.size() == 1 ? 0 : number));
    }

    /** Only an image that is entered at SEG:OFF can get a segment for each vCPU. */
    private static void requireOwnSegment(VcpuConfig vcpu) {
        // Other modes than real mode have no segments; that several vCPUs can't be in them is said elsewhere.
        if (vcpu.boot() == BootMode.REAL
                && (vcpu.entry().isEmpty() || vcpu.entry().get().segment().isEmpty())) {
            throw new IllegalArgumentException("entry "
                    + vcpu.entry().map(point -> "= " + point).orElse("is not given")
                    + ", but several vCPUs run the image " + vcpu.image().name()
                    + "; give it as SEG:OFF" + example(vcpu) + ", so that each can have a segment of its own");
        }
    }

    private static String example(VcpuConfig vcpu) {
        GuestImage image = vcpu.image();
        boolean flat = image.format() == GuestImage.Format.FLAT;
        long load = flat ? vcpu.flatLoad() : vcpu.load().orElse(image.physicalStart());
        long entry =
                vcpu.entry().map(EntryPoint::linearAddress).orElse(image.entry().orElse(load));
        return EntryPoint.reaching(entry, load)
                .map(point -> ", such as " + point)
                .orElse("");
    }

    private static boolean placesItself(VcpuConfig vcpu) {
        return vcpu.boot() == BootMode.REAL
                && vcpu.image().format() == GuestImage.Format.FLAT
                && vcpu.load().isEmpty()
                && vcpu.entry().isEmpty();
    }

    private GuestManifest.Located manifest(String id) {
        try {
            return GuestManifest.find(loader, id);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "the manifest of guest \"" + id + "\" can't be read: " + Reasons.of(e), e);
        }
    }

    private static VcpuConfig vcpu(GuestManifest.Located located) {
        try {
            return VcpuConfig.of(located);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "the image \"" + located.manifest().image() + "\" that " + located.url()
                            + " names can't be read; run kvm:assemble again: " + Reasons.of(e),
                    e);
        }
    }

    private GuestImage read(String image) {
        return read("image", image, GuestImage::read, GuestImage::read);
    }

    private BootModule module(String module) {
        return read("module", module, BootModule::read, BootModule::read);
    }

    /** Reads a file. */
    @FunctionalInterface
    private interface FileReading<T> {

        T read(Path file) throws IOException;
    }

    /** Reads a resource and calls it by the given name. */
    @FunctionalInterface
    private interface ResourceReading<T> {

        T read(String name, URL resource) throws IOException;
    }

    private <T> T read(String what, String name, FileReading<T> ofFile, ResourceReading<T> ofResource) {
        try {
            Path file = Path.of(name);
            if (Files.isRegularFile(file)) {
                return ofFile.read(file);
            }
            URL resource = loader.getResource(name);
            if (resource != null) {
                return ofResource.read(name.substring(name.lastIndexOf('/') + 1), resource);
            }
            throw new IllegalArgumentException(what + " \"" + name + "\" is neither a file, "
                    + file.toAbsolutePath().normalize() + ", nor a class path resource; name one of the two");
        } catch (InvalidPathException | IOException e) {
            throw new IllegalArgumentException(what + " \"" + name + "\" can't be read: " + Reasons.of(e), e);
        }
    }
}
