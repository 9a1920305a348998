package dev.kvmguest.vmm.internal.doctor;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.host.KvmFitness;
import dev.kvmguest.vmm.internal.kvm.KvmSurvey;
import dev.kvmguest.vmm.internal.x86.CpuidLeaf;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What was found out about a host, before it is put into words.
 *
 * @param sources where it comes from
 * @param cpu the processor, as the kernel sees it
 * @param leaves what CPUID says on it; empty if the user may not ask
 * @param device /dev/kvm, if there is one
 * @param survey what KVM says of itself, if it can be used
 * @param kvm what KVM's probe guests saw, if it can be used
 * @param whyNoKvm why KVM can't be used at all, as a sentence; empty if it can
 * @param speeds instructions a second by engine and boot mode, in words
 * @param parameters the parameters of KVM's modules by {@code MODULE.PARAMETER}
 * @param programs versions of installed programs by name
 */
record HostFacts(
        HostSources sources,
        CpuInfo cpu,
        List<CpuidLeaf> leaves,
        Optional<KvmDevice> device,
        Optional<KvmSurvey> survey,
        Optional<Capabilities> kvm,
        Optional<String> whyNoKvm,
        Map<String, Long> speeds,
        Map<String, String> parameters,
        Map<String, String> programs) {

    static final String MODULES = "/sys/module";

    /** Each way of using the processor that an engine may run at a speed of its own. */
    private static final List<BootMode> MEASURED =
            List.of(BootMode.REAL, BootMode.PROTECTED, BootMode.PAGED, BootMode.LONG);

    static HostFacts gather(HostSources sources) {
        Optional<KvmDevice> device =
                sources.java().isLinuxOnX86() ? sources.device().get() : Optional.empty();
        Optional<KvmSurvey> survey = Optional.empty();
        Optional<Capabilities> kvm = Optional.empty();
        Optional<String> whyNoKvm = Optional.empty();
        Map<String, Long> speeds = new LinkedHashMap<>();
        if (device.isEmpty()) {
            whyNoKvm = Optional.of("this host has no " + KvmDevice.PATH);
        } else {
            try {
                survey = Optional.of(sources.survey().get());
                kvm = Optional.of(sources.kvm().get().capabilities());
                measure(speeds, sources, sources.kvm().get());
            } catch (VmmException e) {
                whyNoKvm = Optional.of("this host has no usable KVM: " + e.getMessage());
            }
        }
        measure(speeds, sources, sources.emulator().get());
        return new HostFacts(
                sources,
                CpuInfo.in(sources.files()),
                sources.cpuid().leaves(),
                device,
                survey,
                kvm,
                whyNoKvm,
                speeds,
                parameters(sources.files()),
                new InstalledPrograms(sources.environment()).versions());
    }

    private static void measure(Map<String, Long> speeds, HostSources sources, Engine engine) {
        for (BootMode mode : MEASURED) {
            if (engine.capabilities().has(Feature.neededBy(mode))) {
                sources.speedometer()
                        .instructionsPerSecond(engine, mode)
                        .ifPresent(speed -> speeds.put(speedName(engine.name(), mode), speed));
            }
        }
    }

    private static String speedName(String engine, BootMode mode) {
        return engine + ", boot mode " + mode;
    }

    /** Returns whether a long loop was faster on KVM than on the emulator. */
    boolean isKvmFaster(BootMode mode) {
        return speeds.getOrDefault(speedName(EngineChoice.KVM.id(), mode), 0L)
                > speeds.getOrDefault(speedName(EngineChoice.EMULATOR.id(), mode), Long.MAX_VALUE);
    }

    private static Map<String, String> parameters(HostFiles files) {
        Map<String, String> parameters = new TreeMap<>();
        for (String module : modules(files)) {
            String folder = MODULES + "/" + module + "/parameters";
            for (String name : files.names(folder)) {
                parameters.put(
                        module + "." + name, files.text(folder + "/" + name).orElse("not readable"));
            }
        }
        return parameters;
    }

    private static List<String> modules(HostFiles files) {
        return files.names(MODULES).stream()
                .filter(name -> name.equals("kvm") || name.startsWith("kvm_"))
                .toList();
    }

    /** Returns the names of KVM's modules, as /sys/module has them; a module that is built in may be missing there. */
    List<String> modules() {
        return modules(sources.files());
    }

    /** Returns whether this process runs in a container, as Docker and Podman mark theirs. */
    boolean isInContainer() {
        return sources.files().exists("/.dockerenv") || sources.files().exists("/run/.containerenv");
    }

    /** Returns whether the user is in a group, by this process's credentials. */
    boolean isInGroup(int number) {
        String status = sources.files().text("/proc/self/status").orElse("");
        return status.lines()
                .filter(line -> line.startsWith("Gid:") || line.startsWith("Groups:"))
                .flatMap(line -> List.of(line.replaceFirst("^\\w+:", "").strip().split("\\s+")).stream())
                .anyMatch(Integer.toUnsignedString(number)::equals);
    }

    /** Returns why guests in a boot mode run on the emulator, as a sentence; empty if they run on KVM. */
    Optional<String> whyEmulator(BootMode mode) {
        return whyNoKvm.or(() -> KvmFitness.whyEmulator(kvm.orElseThrow(), mode));
    }

    /** Returns whether a parameter of a module is there and off. */
    boolean isOff(String parameter) {
        return List.of("N", "0").contains(parameters.getOrDefault(parameter, ""));
    }
}
