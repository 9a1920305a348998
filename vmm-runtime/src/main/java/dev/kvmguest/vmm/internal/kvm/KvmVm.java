package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_userspace_memory_region;
import dev.kvmguest.vmm.memory.RamMap;
import dev.kvmguest.vmm.memory.RamMap.Extent;

/** A VM: guest physical memory and vCPUs. Source: Linux, Documentation/virt/kvm/api.rst. */
public final class KvmVm implements AutoCloseable {

    /**
     * Where KVM on Intel keeps the page tables and the TSS by which it runs real mode on processors that can't: four
     * pages just below the firmware's place at the end of 4 GiB, among the addresses of devices, where no guest has
     * RAM.
     */
    private static final long IDENTITY_MAP_ADDRESS = 0xfffb_c000L;

    private static final long TSS_ADDRESS = IDENTITY_MAP_ADDRESS + 0x1000;

    private final OwnedFd fd;
    private final int vcpuMmapSize;

    KvmVm(OwnedFd fd, int vcpuMmapSize) {
        this.fd = fd;
        this.vcpuMmapSize = vcpuMmapSize;
        try {
            NativeBuffer address = new NativeBuffer(Long.BYTES);
            address.bytes().putLong(0, IDENTITY_MAP_ADDRESS);
            fd.ioctl("KVM_SET_IDENTITY_MAP_ADDR", Kvm.KVM_SET_IDENTITY_MAP_ADDR, address);
            fd.ioctl("KVM_SET_TSS_ADDR", Kvm.KVM_SET_TSS_ADDR, TSS_ADDRESS);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Makes mapped pages the guest's RAM, in the places that {@link RamMap} says: a memory slot for each range. They
     * must stay mapped until this VM is closed.
     */
    void mapMemory(Mapping ram) {
        RamMap map = new RamMap(ram.length());
        for (int slot = 0; slot < map.extents().size(); slot++) {
            Extent extent = map.extents().get(slot);
            NativeBuffer region = new NativeBuffer(kvm_userspace_memory_region.SIZE);
            region.bytes()
                    .putInt(kvm_userspace_memory_region.slot, slot)
                    .putLong(kvm_userspace_memory_region.guest_phys_addr, extent.start())
                    .putLong(kvm_userspace_memory_region.memory_size, extent.length())
                    .putLong(kvm_userspace_memory_region.userspace_addr, ram.address() + map.offset(extent.start()));
            fd.ioctl("KVM_SET_USER_MEMORY_REGION", Kvm.KVM_SET_USER_MEMORY_REGION, region);
        }
    }

    /**
     * Makes a vCPU in the state that it has after RESET.
     *
     * @param index its number, from 0
     */
    public KvmVcpu createVcpu(int index) {
        int number = fd.ioctl("KVM_CREATE_VCPU", Kvm.KVM_CREATE_VCPU, index);
        OwnedFd vcpu = new OwnedFd(number, "vCPU " + index);
        try {
            return new KvmVcpu(vcpu, Mapping.shared(number, vcpuMmapSize));
        } catch (RuntimeException e) {
            vcpu.close();
            throw e;
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
