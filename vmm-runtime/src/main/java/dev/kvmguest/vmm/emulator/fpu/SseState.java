package dev.kvmguest.vmm.emulator.fpu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** FXSAVE, FXRSTOR, LDMXCSR, STMXCSR, fences and prefetches. */
public final class SseState {

    private SseState() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
