package dev.kvmguest.vmm.emulator.fpu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** x87 instructions, as far as they are needed to be right about their faults. */
public final class X87 {

    private X87() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
