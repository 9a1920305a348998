package dev.kvmguest.vmm.doctor;

import java.util.Map;
import java.util.Optional;

/** Which differences between hosts matter for the boot modes, and why. What isn't named here has no effect on them. */
final class Relevance {

    private static final Map<String, String> SECTIONS = Map.of(
            HostReport.BOOT_MODES,
            "it is what runs guests in this boot mode if they don't ask for an engine",
            HostReport.PROBE_GUESTS,
            "KVM is chosen for a boot mode only if its probe guests did what they should",
            "kvm",
            "without a device that opens there is no KVM, and what one can run depends on its modules");

    private static final Map<String, String> VALUES = Map.of(
            "host/virtual machine", "in a virtual machine KVM has what the machine's own host passes on",
            "host/operating system", "KVM is Linux's, on x86-64",
            "host/kernel", "KVM is part of the kernel",
            "processor/vendor", "KVM has a module for each vendor, and they differ in what they run",
            "processor/virtualization", "kvm_amd needs svm, and kvm_intel vmx");

    private static final Map<String, String> PARAMETERS = Map.of(
            "kvm_intel.ept", "without EPT, KVM emulates real mode and keeps shadow page tables",
            "kvm_intel.unrestricted_guest", "without it, KVM emulates real mode",
            "kvm_intel.emulate_invalid_guest_state",
                    "without it, a KVM that has no unrestricted guest can't run real mode in full",
            "kvm_amd.npt", "without nested paging, KVM keeps shadow page tables, which costs time",
            "kvm.force_emulation_prefix", "it has KVM emulate instructions");

    private static final String SLOW =
            "KVM is chosen for a boot mode only if a short loop executes 10 million instructions a second in it";

    private Relevance() {}

    /** Returns why a value matters, as a sentence; empty if it doesn't. The name is empty for all of a section. */
    static Optional<String> of(String section, String name) {
        if (section.equals(HostReport.MODULE_PARAMETERS)) {
            return Optional.ofNullable(PARAMETERS.get(name));
        }
        if (section.equals(HostReport.SPEED)) {
            return name.startsWith("kvm,") ? Optional.of(SLOW) : Optional.empty();
        }
        return Optional.ofNullable(SECTIONS.getOrDefault(section, VALUES.get(section + "/" + name)));
    }
}
