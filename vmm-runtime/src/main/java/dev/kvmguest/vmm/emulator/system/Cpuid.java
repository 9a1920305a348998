package dev.kvmguest.vmm.emulator.system;

import dev.kvmguest.vmm.emulator.OperationTable;

/** CPUID. */
public final class Cpuid {

    private Cpuid() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
