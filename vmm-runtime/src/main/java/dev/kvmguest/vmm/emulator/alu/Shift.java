package dev.kvmguest.vmm.emulator.alu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Shifts and rotations. */
public final class Shift {

    private Shift() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
