package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.memory.GuestMemory;

/** A machine as an engine makes it: RAM and vCPUs, without devices. */
public interface VirtualMachine extends AutoCloseable {

    /** Returns the RAM, from guest physical address 0 on, all zero at first. */
    GuestMemory memory();

    /** Returns the vCPU with this index, from 0 up. */
    VirtualCpu vcpu(int index);

    /** Frees the machine, its vCPUs and its RAM. No vCPU may be running. A second call does nothing. */
    @Override
    void close();
}
