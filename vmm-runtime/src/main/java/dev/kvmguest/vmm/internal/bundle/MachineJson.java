package dev.kvmguest.vmm.internal.bundle;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestTestCase;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/** A machine's configuration as JSON, with its images and modules in files beside; written and read. */
final class MachineJson {

    private static final int MOST_VCPUS = 256;
    private static final int LONGEST_NAME = 80;
    private static final long LAST_ADDRESS = 0xffff_ffffL;

    private MachineJson() {}

    /**
     * Returns a configuration.
     *
     * @param files takes the files that belong to it, by their names in the bundle
     * @throws IllegalArgumentException if an image was not read from a file, so that there is none to take along
     */
    static Map<String, Object> write(MachineConfig config, Map<String, byte[]> files) {
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("memory", config.memorySize());
        machine.put("timeout", config.timeout().toString());
        machine.put("engine", config.engine().id());
        machine.put("date", config.date().toString());
        machine.put("watchExceptions", config.watchExceptions());
        machine.put("qemuArguments", config.qemuArguments());
        List<Object> vcpus = new ArrayList<>();
        for (VcpuConfig vcpu : config.vcpus()) {
            vcpus.add(write(vcpu, "image/" + vcpus.size() + "/", files));
        }
        machine.put("vcpus", vcpus);
        return machine;
    }

    private static Map<String, Object> write(VcpuConfig config, String folder, Map<String, byte[]> files) {
        GuestImage image = config.image();
        Map<String, Object> vcpu = new LinkedHashMap<>();
        vcpu.put("name", image.name());
        vcpu.put("image", added(files, folder + "boot-" + fileName(image.name()), image.file()));
        vcpu.put(
                "elf",
                image.detailsFile()
                        .map(elf -> added(files, folder + "symbols.elf", elf))
                        .orElse(null));
        vcpu.put("boot", config.boot().id());
        vcpu.put("load", config.load().isPresent() ? config.load().getAsLong() : null);
        vcpu.put("entry", config.entry().map(EntryPoint::toString).orElse(null));
        vcpu.put("input", config.input());
        vcpu.put("commandLine", config.commandLine());
        List<Object> modules = new ArrayList<>();
        for (BootModule module : config.modules()) {
            String name = folder + "module-" + modules.size();
            modules.add(Map.of("commandLine", module.commandLine(), "file", added(files, name, module.bytes())));
        }
        vcpu.put("modules", modules);
        vcpu.put("guestTest", config.guestTest().map(MachineJson::write).orElse(null));
        requireSame(image, image(image.name(), image.file(), image.detailsFile()));
        return vcpu;
    }

    private static Map<String, Object> write(GuestTestCase test) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("number", test.number());
        object.put("name", test.name());
        object.put("file", test.file());
        object.put("line", test.line());
        return object;
    }

    private static String added(Map<String, byte[]> files, String name, byte[] content) {
        files.put(name, content);
        return name;
    }

    private static String fileName(String name) {
        String plain = name.replaceAll("[^A-Za-z0-9._-]", "_");
        return plain.substring(Math.max(0, plain.length() - LONGEST_NAME));
    }

    /** An image that was changed in memory, as a bisection makes them, is not what its file would be. */
    private static void requireSame(GuestImage image, GuestImage again) {
        boolean same = image.format() == again.format()
                && image.entry().equals(again.entry())
                && image.symbols().equals(again.symbols())
                && image.segments().size() == again.segments().size();
        for (int i = 0; same && i < image.segments().size(); i++) {
            GuestImage.Segment one = image.segments().get(i);
            GuestImage.Segment other = again.segments().get(i);
            same = one.physicalAddress() == other.physicalAddress()
                    && one.virtualAddress() == other.virtualAddress()
                    && one.memorySize() == other.memorySize()
                    && Arrays.equals(one.data(), other.data());
        }
        if (!same) {
            throw notFromAFile(image.name());
        }
    }

    private static IllegalArgumentException notFromAFile(String name) {
        return new IllegalArgumentException("image " + name
                + " is not as its file has it, so that a bundle can't have it; write it to a file, and boot that");
    }

    private static GuestImage image(String name, byte[] file, Optional<byte[]> elf) {
        if (file.length == 0) {
            throw notFromAFile(name);
        }
        GuestImage image = GuestImage.of(name, file);
        return elf.map(bytes -> image.withDetailsOf(GuestImage.of(name, bytes))).orElse(image);
    }

    /**
     * Reads a configuration.
     *
     * @param files returns a file of the bundle by its name
     * @throws IllegalArgumentException if it is not what {@link #write} writes
     */
    static MachineConfig read(JsonObject machine, Function<String, byte[]> files) {
        MachineConfig.Builder config = MachineConfig.builder()
                .memory(machine.number("memory", 0, Long.MAX_VALUE))
                .timeout(machine.parsed("timeout", Duration::parse))
                .engine(machine.parsed("engine", EngineChoice::parse))
                .date(machine.parsed("date", LocalDateTime::parse))
                .watchExceptions(machine.truth("watchExceptions"))
                .qemuArguments(machine.texts("qemuArguments"));
        List<JsonObject> vcpus = machine.objects("vcpus");
        if (vcpus.size() > MOST_VCPUS) {
            throw new IllegalArgumentException("machine has " + vcpus.size() + " vCPUs, more than " + MOST_VCPUS);
        }
        vcpus.forEach(vcpu -> config.vcpu(vcpu(vcpu, files)));
        return config.build();
    }

    private static VcpuConfig vcpu(JsonObject vcpu, Function<String, byte[]> files) {
        Function<String, byte[]> file = name -> files.apply(vcpu.text(name));
        return new VcpuConfig(
                image(vcpu.text("name"), file.apply("image"), vcpu.ifPresent("elf", file)),
                vcpu.parsed("boot", BootMode::parse),
                vcpu.ifPresent("load", name -> OptionalLong.of(vcpu.number(name, 0, LAST_ADDRESS)))
                        .orElse(OptionalLong.empty()),
                vcpu.ifPresent("entry", name -> vcpu.parsed(name, EntryPoint::parse)),
                vcpu.text("input"),
                vcpu.text("commandLine"),
                vcpu.objects("modules").stream()
                        .map(module -> new BootModule(module.text("commandLine"), files.apply(module.text("file"))))
                        .toList(),
                vcpu.ifPresent("guestTest", name -> guestTest(vcpu.object(name))));
    }

    private static GuestTestCase guestTest(JsonObject test) {
        return new GuestTestCase(
                (int) test.number("number", 0, Integer.MAX_VALUE), test.text("name"), test.text("file"), (int)
                        test.number("line", 1, Integer.MAX_VALUE));
    }
}
