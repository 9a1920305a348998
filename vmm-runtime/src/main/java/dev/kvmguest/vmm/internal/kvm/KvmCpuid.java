package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid2;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid_entry2;
import java.nio.ByteBuffer;

/**
 * The CPUID leaves of vCPUs. KVM_GET_SUPPORTED_CPUID has some features that are there only with KVM's own local APIC,
 * which is not used here; the kernel's documentation leaves it to the caller to take them away. A guest that believed
 * them would get #GP from the APIC's MSRs.
 */
final class KvmCpuid {

    private static final int FEATURES = 1;
    /** In ECX: x2APIC, and the APIC's timer in TSC-deadline mode. */
    private static final int APIC_FEATURES = 1 << 21 | 1 << 24;

    private static final int KVM_FEATURES = 0x4000_0001;
    /**
     * In EAX: KVM_FEATURE_ASYNC_PF (bit 4), PV_EOI (6), PV_UNHALT (7), PV_SEND_IPI (11) and ASYNC_PF_INT (14).
     */
    private static final int APIC_KVM_FEATURES = 1 << 4 | 1 << 6 | 1 << 7 | 1 << 11 | 1 << 14;

    private KvmCpuid() {}

    /**
     * Takes away what needs KVM's local APIC.
     *
     * @param cpuid a {@code kvm_cpuid2} with its entries, which is changed
     */
    static void removeLocalApic(ByteBuffer cpuid) {
        for (int i = 0; i < cpuid.getInt(kvm_cpuid2.nent); i++) {
            int entry = kvm_cpuid2.entries + i * kvm_cpuid_entry2.SIZE;
            switch (cpuid.getInt(entry + kvm_cpuid_entry2.function)) {
                case FEATURES -> clear(cpuid, entry + kvm_cpuid_entry2.ecx, APIC_FEATURES);
                case KVM_FEATURES -> clear(cpuid, entry + kvm_cpuid_entry2.eax, APIC_KVM_FEATURES);
                default -> {
                    // Nothing in it is the APIC's.
                }
            }
        }
    }

    private static void clear(ByteBuffer cpuid, int at, int bits) {
        cpuid.putInt(at, cpuid.getInt(at) & ~bits);
    }
}
