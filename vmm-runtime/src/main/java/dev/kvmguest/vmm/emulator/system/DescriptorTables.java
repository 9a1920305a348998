package dev.kvmguest.vmm.emulator.system;

import dev.kvmguest.vmm.emulator.OperationTable;

/** LGDT, LIDT, LLDT, LTR and their opposites. */
public final class DescriptorTables {

    private DescriptorTables() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
