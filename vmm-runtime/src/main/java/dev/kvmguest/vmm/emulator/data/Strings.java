package dev.kvmguest.vmm.emulator.data;

import dev.kvmguest.vmm.emulator.OperationTable;

/** String instructions, repeated or not. */
public final class Strings {

    private Strings() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
