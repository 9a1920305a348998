package dev.kvmguest.vmm.emulator.alu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** AND, OR, XOR, NOT and TEST. */
public final class Logic {

    private Logic() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
