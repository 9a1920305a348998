package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * What enters a handler.
 *
 * @param vector 0 to 255
 * @param ext {@link Selector#EXTERNAL} for error codes of what goes wrong, or 0 for INT n, INT3 and INTO
 * @param checksGate whether the gate's DPL must let the current privilege level in: for INT n, INT3 and INTO
 * @param eip the return address
 * @param rf {@link Eflags#RF} if that flag is set in the flags pushed even though it isn't in EFLAGS, else 0
 * @param hasErrorCode whether an error code is pushed, outside real mode
 * @param errorCode the error code
 */
record Event(int vector, int ext, boolean checksGate, long eip, int rf, boolean hasErrorCode, int errorCode) {

    /** An exception. */
    static Event exception(CpuFault fault, long eip) {
        Vector vector = fault.vector();
        // So that a breakpoint on the instruction is not hit again when the handler returns to it (volume 3B,
        // 17.3.1.1).
        int rf = vector.kind() == Vector.Kind.FAULT && vector != Vector.DB ? Flag.RF : 0;
        return new Event(vector.number(), Selector.EXTERNAL, false, eip, rf, vector.hasErrorCode(), fault.errorCode());
    }

    /** An interrupt from outside, or INT1, which enters its handler like one. */
    static Event interrupt(int vector, long eip) {
        return new Event(vector, Selector.EXTERNAL, false, eip, 0, false, 0);
    }

    /** INT n, INT3 or INTO. */
    static Event software(int vector, long eip) {
        return new Event(vector, 0, true, eip, 0, false, 0);
    }
}
