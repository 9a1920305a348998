package dev.kvmguest.vmm.emulator.control;

import dev.kvmguest.vmm.emulator.OperationTable;

/** INT and its relatives, BOUND and the undefined instructions. */
public final class SoftwareInterrupts {

    private SoftwareInterrupts() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
