package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid2;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid_entry2;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KvmCpuidTests {

    private static ByteBuffer leaf(int function, int value) {
        ByteBuffer cpuid =
                ByteBuffer.allocate(kvm_cpuid2.SIZE + 2 * kvm_cpuid_entry2.SIZE).order(ByteOrder.nativeOrder());
        cpuid.putInt(kvm_cpuid2.nent, 2);
        int entry = kvm_cpuid2.entries + kvm_cpuid_entry2.SIZE;
        cpuid.putInt(entry + kvm_cpuid_entry2.function, function);
        cpuid.putInt(entry + kvm_cpuid_entry2.eax, value);
        cpuid.putInt(entry + kvm_cpuid_entry2.ecx, value);
        return cpuid;
    }

    private static int register(ByteBuffer cpuid, int offset) {
        return cpuid.getInt(kvm_cpuid2.entries + kvm_cpuid_entry2.SIZE + offset);
    }

    @ParameterizedTest
    @CsvSource({"0x1, 0xffffffff, 0xfedfffff", "0x40000001, 0xffffb72f, 0xffffffff", "0x7, 0xffffffff, 0xffffffff"})
    void featuresOfTheLocalApicAreTakenAway(String function, String eax, String ecx) {
        ByteBuffer cpuid = leaf((int) (long) Long.decode(function), -1);

        KvmCpuid.removeLocalApic(cpuid);

        assertThat(register(cpuid, kvm_cpuid_entry2.eax))
                .isEqualTo(Long.decode(eax).intValue());
        assertThat(register(cpuid, kvm_cpuid_entry2.ecx))
                .isEqualTo(Long.decode(ecx).intValue());
    }

    @Test
    void entriesBeyondTheCountAreLeftAlone() {
        ByteBuffer cpuid = leaf(1, -1);
        cpuid.putInt(kvm_cpuid2.nent, 1);

        KvmCpuid.removeLocalApic(cpuid);

        assertThat(register(cpuid, kvm_cpuid_entry2.ecx)).isEqualTo(-1);
    }
}
