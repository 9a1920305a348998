package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.OpenDescriptors;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.Libc;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated("counts the descriptors that the process has open")
class KvmSystemTests {

    @Test
    @NeedsKvm
    void systemTellsItsCapabilities() {
        try (KvmSystem system = KvmSystem.open()) {
            assertThat(system.checkExtension(Kvm.KVM_CAP_USER_MEMORY)).isPositive();
            assertThat(system.checkExtension(99_999)).isZero();
            assertThat(system.maxVcpus()).isPositive();
            assertThat(system.vcpuMmapSize()).isGreaterThanOrEqualTo(4096);
            assertThat(system.supportedCpuid().bytes().getInt(0)).isPositive();
        }
    }

    @Test
    @NeedsKvm
    void everyDescriptorIsClosedOnceByItsOwner() throws IOException {
        List<String> before = OpenDescriptors.now();
        KvmSystem system = KvmSystem.open();
        KvmVm vm = system.createVm();
        KvmVcpu vcpu = vm.createVcpu(0);
        assertThat(OpenDescriptors.now()).hasSize(before.size() + 3);

        vcpu.close();
        vm.close();
        system.close();
        assertThat(OpenDescriptors.now()).isEqualTo(before);

        // Numbers are reused: a second close must not close somebody else's.
        try (KvmSystem other = KvmSystem.open()) {
            vcpu.close();
            vm.close();
            system.close();
            assertThat(other.maxVcpus()).isPositive();
        }
        assertThatThrownBy(() -> vm.createVcpu(0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    @NeedsKvm
    void refusedOperationNamesItselfAndErrno() {
        try (KvmSystem system = KvmSystem.open();
                KvmVm vm = system.createVm();
                KvmVcpu first = vm.createVcpu(0)) {
            assertThat(first).isNotNull();
            assertThatThrownBy(() -> vm.createVcpu(0))
                    .isInstanceOfSatisfying(
                            KvmException.class, e -> assertThat(e.errno()).isEqualTo(Libc.EEXIST))
                    .hasMessage("KVM_CREATE_VCPU failed: File exists (errno 17)");
        }
    }

    @Test
    @NeedsKvm
    void machineWithMoreVcpusThanTheHostAllowsIsRefused() {
        assertThatThrownBy(() -> KvmEngine.instance().createMachine(1 << 20, 1_000_000))
                .isInstanceOf(VmmException.class)
                .hasMessageMatching("this host's KVM has at most \\d+ vCPUs a machine; 1000000 were asked for");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void missingDeviceAndMissingPermissionSayWhatToDo() {
        assertThat(KvmException.of("open /dev/kvm", Libc.ENOENT))
                .hasMessage("open /dev/kvm failed: No such file or directory (errno 2); this machine has no KVM: load"
                        + " kvm-intel or kvm-amd, enable virtualization in the firmware, or pass the device into the"
                        + " container (docker run --device /dev/kvm)");
        assertThat(KvmException.of("open /dev/kvm", Libc.EACCES))
                .hasMessage("open /dev/kvm failed: Permission denied (errno 13); the user must be in the group that"
                        + " owns the device, usually kvm: sudo usermod -aG kvm $USER, then log in again");
        assertThat(KvmException.of("open /dev/kvm", Libc.EPERM))
                .hasMessage("open /dev/kvm failed: Operation not permitted (errno 1); this container may not use the"
                        + " device: docker run --device /dev/kvm");
        assertThat(KvmException.of("KVM_CREATE_VM", Libc.EBUSY))
                .hasMessage("KVM_CREATE_VM failed: Device or resource busy (errno 16); another hypervisor, such as"
                        + " VirtualBox, may be using the processor's virtualization");
    }
}
