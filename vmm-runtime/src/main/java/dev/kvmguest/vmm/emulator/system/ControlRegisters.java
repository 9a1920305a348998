package dev.kvmguest.vmm.emulator.system;

import dev.kvmguest.vmm.emulator.OperationTable;

/** MOV to and from control and debug registers, CLTS, LMSW, SMSW, INVLPG, HLT, cache control. */
public final class ControlRegisters {

    private ControlRegisters() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {}
}
