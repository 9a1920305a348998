package dev.kvmguest.vmm.emulator.data;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Data movement, and conversions between widths. */
public final class Move {

    private Move() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
