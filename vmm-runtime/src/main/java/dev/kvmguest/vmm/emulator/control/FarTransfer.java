package dev.kvmguest.vmm.emulator.control;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Jumps, calls and returns to other code segments. */
public final class FarTransfer {

    private FarTransfer() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
