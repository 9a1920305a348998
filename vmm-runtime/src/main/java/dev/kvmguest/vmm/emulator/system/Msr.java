package dev.kvmguest.vmm.emulator.system;

import dev.kvmguest.vmm.emulator.OperationTable;

/** RDMSR, WRMSR, RDTSC, RDPMC. */
public final class Msr {

    private Msr() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
