package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.KvmCapability;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid2;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid_entry2;
import dev.kvmguest.vmm.internal.x86.CpuidLeaf;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What a host's KVM says of itself.
 *
 * @param apiVersion what KVM_GET_API_VERSION returns
 * @param capabilities what KVM_CHECK_EXTENSION returns for each capability: 0 for absent, else 1, a count or bits
 * @param cpuid the CPUID leaves that KVM can give a vCPU, from KVM_GET_SUPPORTED_CPUID
 */
public record KvmSurvey(int apiVersion, Map<KvmCapability, Integer> capabilities, List<CpuidLeaf> cpuid) {

    /**
     * Asks the KVM of this host.
     *
     * @throws dev.kvmguest.vmm.config.VmmException if it can't be used; the message says why and what to do
     */
    public static KvmSurvey ofThisHost() {
        try (KvmSystem system = KvmSystem.open()) {
            Map<KvmCapability, Integer> capabilities = new EnumMap<>(KvmCapability.class);
            for (KvmCapability capability : KvmCapability.values()) {
                capabilities.put(capability, system.checkExtension(capability.number()));
            }
            return new KvmSurvey(
                    Kvm.API_VERSION,
                    capabilities,
                    leaves(system.supportedCpuid().bytes()));
        }
    }

    private static List<CpuidLeaf> leaves(ByteBuffer cpuid) {
        List<CpuidLeaf> leaves = new ArrayList<>();
        for (int i = 0; i < cpuid.getInt(kvm_cpuid2.nent); i++) {
            int entry = kvm_cpuid2.entries + i * kvm_cpuid_entry2.SIZE;
            leaves.add(new CpuidLeaf(
                    cpuid.getInt(entry + kvm_cpuid_entry2.function),
                    cpuid.getInt(entry + kvm_cpuid_entry2.index),
                    (cpuid.getInt(entry + kvm_cpuid_entry2.flags) & Kvm.KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0,
                    cpuid.getInt(entry + kvm_cpuid_entry2.eax),
                    cpuid.getInt(entry + kvm_cpuid_entry2.ebx),
                    cpuid.getInt(entry + kvm_cpuid_entry2.ecx),
                    cpuid.getInt(entry + kvm_cpuid_entry2.edx)));
        }
        return leaves;
    }
}
