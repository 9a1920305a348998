package dev.kvmguest.vmm.emulator.system;

import dev.kvmguest.vmm.emulator.OperationTable;

/** VERR, VERW, LAR, LSL and ARPL. */
public final class SegmentChecks {

    private SegmentChecks() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
