package dev.kvmguest.vmm.emulator.fpu;

import dev.kvmguest.vmm.emulator.OperationTable;

/** MMX instructions. */
public final class Mmx {

    private Mmx() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
