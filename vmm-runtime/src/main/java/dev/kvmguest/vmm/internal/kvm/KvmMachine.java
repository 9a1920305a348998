package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.RamMap.Extent;
import java.util.ArrayList;
import java.util.List;

/** A VM with its RAM and vCPUs; frees them in the reverse order of their making. */
final class KvmMachine implements VirtualMachine {

    private final KvmVm vm;
    private final Mapping ram;
    private final GuestMemory memory;
    private final List<KvmVcpu> descriptors = new ArrayList<>();
    private final List<KvmVirtualCpu> vcpus = new ArrayList<>();

    /**
     * Makes a machine.
     *
     * @param vm the VM, without memory; closed if this fails
     * @param ram its RAM; unmapped if this fails
     */
    KvmMachine(KvmVm vm, Mapping ram, int vcpuCount, KvmEngine.HostSupport support) {
        this.vm = vm;
        this.ram = ram;
        this.memory = KvmMemory.of(ram);
        try {
            vm.mapMemory(ram);
            for (int i = 0; i < vcpuCount; i++) {
                KvmVcpu vcpu = vm.createVcpu(i);
                descriptors.add(vcpu);
                vcpu.setCpuid(support.cpuid());
                if (support.syncsRegs()) {
                    vcpu.syncRegs();
                }
                vcpus.add(new KvmVirtualCpu(vcpu));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    @Override
    public GuestMemory memory() {
        return memory;
    }

    /**
     * Returns the RAM for one of several users, one after the other; each closes what it was given.
     *
     * @param used the pages that are not zero when they have not been touched, in ascending order
     */
    GuestMemory lendMemory(List<Extent> used) {
        return KvmMemory.of(ram, used);
    }

    @Override
    public KvmVirtualCpu vcpu(int index) {
        return vcpus.get(index);
    }

    /** Has RAM be what it was at first, and nothing be asked of the vCPU, for the next user. */
    void reset() {
        vcpus.forEach(KvmVirtualCpu::leave);
        ram.reset();
    }

    @Override
    public void close() {
        vcpus.forEach(KvmVirtualCpu::finish);
        descriptors.forEach(KvmVcpu::close);
        vm.close();
        // Last: KVM refers to the pages until the VM is gone.
        memory.close();
    }
}
