package dev.kvmguest.vmm.emulator.fpu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** SSE and SSE2 data movement. */
public final class SseMove {

    private SseMove() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
