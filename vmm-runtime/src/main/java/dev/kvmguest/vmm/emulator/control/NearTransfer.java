package dev.kvmguest.vmm.emulator.control;

import dev.kvmguest.vmm.emulator.OperationTable;

/** Jumps, calls and returns within the code segment. */
public final class NearTransfer {

    private NearTransfer() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
