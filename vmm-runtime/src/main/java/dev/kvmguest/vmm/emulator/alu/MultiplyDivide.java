package dev.kvmguest.vmm.emulator.alu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Multiplication and division. */
public final class MultiplyDivide {

    private MultiplyDivide() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
