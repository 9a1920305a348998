package dev.kvmguest.vmm.internal.doctor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The first processor of /proc/cpuinfo.
 *
 * @param fields what the kernel says of it, by its names; empty where there is no such file
 */
record CpuInfo(Map<String, String> fields) {

    static final String PATH = "/proc/cpuinfo";

    static CpuInfo in(HostFiles files) {
        Map<String, String> fields = new LinkedHashMap<>();
        for (String line : files.text(PATH).orElse("").split("\n")) {
            if (line.isBlank()) {
                break;
            }
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.put(
                        line.substring(0, colon).strip(),
                        line.substring(colon + 1).strip());
            }
        }
        return new CpuInfo(fields);
    }

    boolean isKnown() {
        return fields.containsKey("flags");
    }

    private boolean hasFlag(String flag) {
        return List.of(fields.getOrDefault("flags", "").split(" ")).contains(flag);
    }

    /** Returns the flag of the processor's virtualization, {@code svm} or {@code vmx}; empty if it shows neither. */
    Optional<String> virtualization() {
        return hasFlag("svm") ? Optional.of("svm") : hasFlag("vmx") ? Optional.of("vmx") : Optional.empty();
    }

    boolean isInVirtualMachine() {
        return hasFlag("hypervisor");
    }

    boolean isAmd() {
        return List.of("AuthenticAMD", "HygonGenuine").contains(fields.getOrDefault("vendor_id", ""));
    }

    boolean isIntel() {
        return fields.getOrDefault("vendor_id", "").equals("GenuineIntel");
    }

    /** Returns KVM's module for this processor, as modprobe takes it; empty for a vendor that has none. */
    Optional<String> module() {
        return isAmd() ? Optional.of("kvm_amd") : isIntel() ? Optional.of("kvm_intel") : Optional.empty();
    }

    /** Returns what firmware calls the processor's virtualization. */
    String firmwareSetting() {
        return isAmd() ? "SVM Mode" : isIntel() ? "Intel Virtualization Technology (VT-x)" : "virtualization";
    }
}
