package dev.kvmguest.vmm.emulator.alu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Decimal adjustments. */
public final class Bcd {

    private Bcd() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
