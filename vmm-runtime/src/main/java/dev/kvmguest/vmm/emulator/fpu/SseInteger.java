package dev.kvmguest.vmm.emulator.fpu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** SSE2 integer and logical instructions. */
public final class SseInteger {

    private SseInteger() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
