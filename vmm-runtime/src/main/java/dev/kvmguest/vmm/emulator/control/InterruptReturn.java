package dev.kvmguest.vmm.emulator.control;

import dev.kvmguest.vmm.emulator.OperationTable;

/** IRET. */
public final class InterruptReturn {

    private InterruptReturn() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
