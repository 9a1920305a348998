package dev.kvmguest.vmm.internal.doctor;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.doctor.HostProblem;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Capabilities.Finding;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.kvm.KvmSurvey;
import dev.kvmguest.vmm.internal.kvm.abi.KvmCapability;
import dev.kvmguest.vmm.internal.x86.CpuidLeaf;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** A made-up host: its files are in a folder, its KVM is as a test says. It begins as a machine of bare metal with KVM. */
final class FakeHost {

    static final String AMD = "AuthenticAMD";
    static final String INTEL = "GenuineIntel";
    static final int KVM_GROUP = 104;

    private final Path root;
    private final Map<String, String> environment = new HashMap<>();
    private final Map<Feature, Finding> findings = new EnumMap<>(Feature.class);
    private final Map<Long, int[]> leaves = new HashMap<>();
    private final Map<KvmCapability, Integer> capabilities = new EnumMap<>(KvmCapability.class);
    private JavaHost java = new JavaHost("Linux", "amd64", 8, "17.0.15+6", "OpenJDK 64-Bit Server VM", false);
    private Optional<KvmDevice> device = Optional.of(new KvmDevice(0, "kvm", KVM_GROUP, 0660, true));
    private Optional<String> failure = Optional.empty();
    private long speedOfKvm = 3_000_000_000L;
    boolean kvmWasTouched;

    FakeHost(Path root) {
        this.root = root;
        for (Feature feature : Feature.values()) {
            findings.put(feature, new Finding(true, ""));
        }
        capabilities.put(KvmCapability.KVM_CAP_USER_MEMORY, 1);
        capabilities.put(KvmCapability.KVM_CAP_NR_MEMSLOTS, 32764);
        capabilities.put(KvmCapability.KVM_CAP_TSC_CONTROL, 0);
        file("/proc/sys/kernel/osrelease", "6.12.9\n");
        file(
                "/proc/self/status",
                "Name:\tjava\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t27 104 \n");
    }

    /** A processor with these flags, and its module of KVM. */
    static FakeHost of(Path root, String vendor, String flags) {
        FakeHost host = new FakeHost(root)
                .file(
                        "/proc/cpuinfo",
                        "processor\t: 0\nvendor_id\t: " + vendor
                                + "\ncpu family\t: 25\nmodel name\t: A processor\nflags\t\t: fpu " + flags
                                + "\n\nprocessor\t: 1\nvendor_id\t: other\n");
        return host.module("kvm", Map.of("tdp_mmu", "Y"));
    }

    static FakeHost amd(Path root) {
        return of(root, AMD, "svm lm").module("kvm_amd", Map.of("npt", "Y", "nested", "1"));
    }

    static FakeHost intel(Path root) {
        return of(root, INTEL, "vmx lm").module("kvm_intel", Map.of("ept", "Y", "unrestricted_guest", "Y"));
    }

    FakeHost file(String path, String text) {
        try {
            Path file = root.resolve(path.substring(1));
            Files.createDirectories(file.getParent());
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    FakeHost module(String name, Map<String, String> parameters) {
        parameters.forEach(
                (parameter, value) -> file("/sys/module/" + name + "/parameters/" + parameter, value + "\n"));
        return this;
    }

    FakeHost java(JavaHost newJava) {
        java = newJava;
        return this;
    }

    FakeHost environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    FakeHost device(KvmDevice newDevice) {
        device = Optional.ofNullable(newDevice);
        return this;
    }

    /** Has the use of KVM fail. */
    FakeHost failing(String message) {
        failure = Optional.of(message);
        return this;
    }

    FakeHost without(Feature feature, String seen) {
        findings.put(feature, new Finding(false, seen));
        return this;
    }

    FakeHost kvmSpeed(long speed) {
        speedOfKvm = speed;
        return this;
    }

    FakeHost leaf(int function, int index, int... registers) {
        leaves.put((long) index << 32 | Integer.toUnsignedLong(function), registers);
        return this;
    }

    HostReport examine() {
        return Doctor.examine(new HostSources(
                new HostFiles(root),
                environment,
                java,
                (function, index) ->
                        Optional.ofNullable(leaves.get((long) index << 32 | Integer.toUnsignedLong(function))),
                () -> device,
                this::survey,
                this::kvm,
                () -> engine("emulator", new EnumMap<>(Feature.class)),
                (engine, mode) -> OptionalLong.of(engine.name().equals("kvm") ? speedOfKvm : 150_000_000)));
    }

    List<HostProblem> problems() {
        return examine().problems();
    }

    private KvmSurvey survey() {
        kvmWasTouched = true;
        failure.ifPresent(message -> {
            throw new VmmException(message);
        });
        return new KvmSurvey(12, capabilities, List.of(new CpuidLeaf(1, 0, false, 0xa00f11, 0x05080800, 0, 0)));
    }

    private Engine kvm() {
        kvmWasTouched = true;
        return engine("kvm", findings);
    }

    private static Engine engine(String name, Map<Feature, Finding> findings) {
        Map<Feature, Finding> all = new EnumMap<>(Feature.class);
        for (Feature feature : Feature.values()) {
            all.put(feature, findings.getOrDefault(feature, new Finding(true, "")));
        }
        return new Engine() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Capabilities capabilities() {
                return new Capabilities(all);
            }

            @Override
            public VirtualMachine createMachine(long memorySize, int vcpus) {
                throw new AssertionError("the doctor makes no machine but by the probe");
            }
        };
    }
}
