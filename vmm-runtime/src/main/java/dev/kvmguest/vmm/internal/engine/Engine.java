package dev.kvmguest.vmm.internal.engine;

import java.util.Optional;

/** A way to execute guest code. */
public interface Engine {

    /** Returns the name by which users choose the engine, such as {@code kvm}. */
    String name();

    /** Returns what this engine can do on this host, in words; found out once per JVM. */
    Capabilities capabilities();

    /**
     * Returns why {@link DebugControl#setBreakpoint} doesn't work on this host, in words; found out once per JVM. Empty
     * if it works.
     */
    default Optional<String> whyNoBreakpoints() {
        return Optional.empty();
    }

    /**
     * Makes a machine.
     *
     * @param memorySize RAM in bytes, a multiple of 4096
     * @param vcpus the number of vCPUs, at least 1
     * @throws dev.kvmguest.vmm.config.VmmException if the host refuses
     */
    VirtualMachine createMachine(long memorySize, int vcpus);

    /**
     * Makes a template of machines.
     *
     * @param memory the RAM that they begin with; it isn't needed any more afterwards
     * @throws dev.kvmguest.vmm.config.VmmException if the host refuses
     * @throws UnsupportedOperationException if the engine has none
     */
    default MachineTemplate template(SavedRam memory) {
        throw new UnsupportedOperationException("engine " + name() + " has no templates of machines");
    }
}
