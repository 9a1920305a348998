package dev.kvmguest.vmm.emulator.alu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Addition and subtraction, and comparing. */
public final class Arithmetic {

    private Arithmetic() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
