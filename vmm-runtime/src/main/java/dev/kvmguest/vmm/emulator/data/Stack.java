package dev.kvmguest.vmm.emulator.data;

import dev.kvmguest.vmm.emulator.OperationTable;

/** PUSH, POP and their relatives. */
public final class Stack {

    private Stack() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
