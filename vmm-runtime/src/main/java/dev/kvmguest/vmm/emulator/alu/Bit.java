package dev.kvmguest.vmm.emulator.alu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Bit tests and scans. */
public final class Bit {

    private Bit() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
