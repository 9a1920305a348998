package dev.kvmguest.vmm.emulator.io;

import dev.kvmguest.vmm.emulator.OperationTable;

/** IN, OUT and their string forms. */
public final class PortInstructions {

    private PortInstructions() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
