package dev.kvmguest.vmm.internal.engine;

/**
 * RAM as it was at a moment, for machines with one vCPU that all begin with it. They share what none of them has
 * written. One that is closed is set back for the next, which costs what it had written. Any thread may call.
 */
public interface MachineTemplate extends AutoCloseable {

    /**
     * Returns a machine whose vCPU is yet to be restored.
     *
     * @throws dev.kvmguest.vmm.config.VmmException if the host refuses
     * @throws IllegalStateException if the template is closed
     */
    VirtualMachine createMachine();

    /** Frees what no machine uses; the rest is freed with the machines. A second call does nothing. */
    @Override
    void close();
}
