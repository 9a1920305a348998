package dev.kvmguest.vmm.internal.doctor;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.doctor.HostSection;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Capabilities.Finding;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.kvm.KvmSurvey;
import dev.kvmguest.vmm.internal.x86.CpuidLeaf;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Puts what was found out about a host into sections, the most important one first. */
final class HostSections {

    private static final String UNKNOWN = "unknown";

    private HostSections() {}

    static List<HostSection> of(HostFacts facts) {
        return List.of(
                bootModes(facts),
                probeGuests(facts.kvm()),
                new HostSection(
                        HostReport.SPEED, "speed, by engine and the boot mode of the loop", copy(facts.speeds())),
                host(facts),
                processor(facts),
                kvm(facts),
                new HostSection(HostReport.MODULE_PARAMETERS, "parameters of KVM's modules", copy(facts.parameters())),
                capabilities(facts.survey()),
                new HostSection(HostReport.PROGRAMS, "programs on the PATH", copy(facts.programs())),
                leaves("cpuid-processor", "CPUID on the first processor, from " + CpuidDevice.PATH, facts.leaves()),
                leaves(
                        "cpuid-kvm",
                        "CPUID that KVM can give a guest, from KVM_GET_SUPPORTED_CPUID",
                        facts.survey().map(KvmSurvey::cpuid).orElse(List.of())));
    }

    private static Map<String, Object> copy(Map<String, ?> values) {
        return new LinkedHashMap<>(values);
    }

    private static HostSection bootModes(HostFacts facts) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (BootMode mode : BootMode.values()) {
            values.put(
                    mode.id(),
                    facts.whyEmulator(mode).map(why -> "emulator: " + why).orElse("kvm"));
        }
        return new HostSection(HostReport.BOOT_MODES, "what runs guests, by boot mode", values);
    }

    private static HostSection probeGuests(Optional<Capabilities> kvm) {
        Map<String, Object> values = new LinkedHashMap<>();
        kvm.ifPresent(capabilities -> {
            for (Feature feature : Feature.values()) {
                Finding finding = capabilities.finding(feature);
                values.put(feature.words(), finding.works() ? "yes" : "no: " + finding.seen());
            }
        });
        return new HostSection(HostReport.PROBE_GUESTS, "what the probe guests saw on KVM", values);
    }

    private static HostSection host(HostFacts facts) {
        HostFiles files = facts.sources().files();
        JavaHost java = facts.sources().java();
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("operating system", java.osName() + " on " + java.arch());
        values.put("kernel", files.text("/proc/sys/kernel/osrelease").orElse(UNKNOWN));
        values.put("virtual machine", virtualMachine(facts));
        values.put("container", facts.isInContainer() ? "yes" : "none seen");
        values.put("java", java.version() + ", " + java.vm());
        return new HostSection("host", "host", values);
    }

    /** Nested or not, and in what. */
    private static String virtualMachine(HostFacts facts) {
        Optional<String> hypervisor = CpuidReader.hypervisor(facts.leaves())
                .or(() -> facts.sources().files().text("/sys/hypervisor/type"));
        if (!facts.cpu().isKnown() && hypervisor.isEmpty()) {
            return UNKNOWN;
        }
        return facts.cpu().isInVirtualMachine() || hypervisor.isPresent()
                ? "yes, of "
                        + hypervisor.orElse(
                                "a hypervisor whose name is not known: " + CpuidDevice.PATH + " can't be read")
                : "no";
    }

    private static HostSection processor(HostFacts facts) {
        Map<String, String> fields = facts.cpu().fields();
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("processors for this JVM", (long) facts.sources().java().processors());
        values.put("vendor", fields.getOrDefault("vendor_id", UNKNOWN));
        values.put("name", fields.getOrDefault("model name", UNKNOWN));
        for (String name : List.of("cpu family", "model", "stepping", "microcode", "address sizes")) {
            if (fields.containsKey(name)) {
                values.put(name, fields.get(name));
            }
        }
        values.put(
                "virtualization",
                facts.cpu().virtualization().orElse(facts.cpu().isKnown() ? "neither svm nor vmx" : UNKNOWN));
        values.put("flags", fields.getOrDefault("flags", UNKNOWN));
        return new HostSection("processor", "processor, from " + CpuInfo.PATH, values);
    }

    private static HostSection kvm(HostFacts facts) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("usable", facts.whyNoKvm().map(why -> "no: " + why).orElse("yes"));
        values.put("modules", String.join(" ", facts.modules()));
        facts.device().ifPresent(device -> {
            values.put(
                    KvmDevice.PATH,
                    "owner " + device.ownerInWords() + ", group " + device.group() + ", mode " + device.modeInOctal());
            values.put("user is in that group", facts.isInGroup(device.groupNumber()) ? "yes" : "no");
            values.put("user may read and write it", device.accessible() ? "yes" : "no");
        });
        facts.survey().ifPresent(survey -> values.put("API version", (long) survey.apiVersion()));
        return new HostSection("kvm", "KVM", values);
    }

    private static HostSection capabilities(Optional<KvmSurvey> survey) {
        Map<String, Object> values = new LinkedHashMap<>();
        survey.ifPresent(found -> found.capabilities().forEach((capability, value) -> {
            if (value != 0) {
                values.put(capability.name(), (long) value);
            }
        }));
        return new HostSection(HostReport.CAPABILITIES, "KVM's capabilities; 1 if no value is given", values);
    }

    private static HostSection leaves(String id, String title, List<CpuidLeaf> leaves) {
        Map<String, Object> values = new LinkedHashMap<>();
        leaves.stream()
                .map(CpuidLeaf::withoutIdentity)
                .filter(leaf -> !leaf.isEmpty())
                .forEach(leaf -> values.put(leaf.name(), leaf.registers()));
        return new HostSection(id, title + ": EAX EBX ECX EDX", values);
    }
}
