package dev.kvmguest.vmm.emulator.data;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Instructions that read or set single flags, or all of them. */
public final class FlagTransfer {

    private FlagTransfer() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
