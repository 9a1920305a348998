package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/** x87 instructions (Intel SDM volume 1, chapter 8; volume 2). */
public final class X87 {

    private X87() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        X87Control.install(table);
        X87Move.install(table);
        X87Arithmetic.install(table);
        X87Compare.install(table);
        X87Remainder.install(table);
        X87Decimal.install(table);
        X87Transcendental.install(table);
    }
}
