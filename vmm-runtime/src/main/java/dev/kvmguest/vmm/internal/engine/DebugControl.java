package dev.kvmguest.vmm.internal.engine;

import java.util.OptionalLong;

/** Stops a vCPU after each instruction, or before one. */
public interface DebugControl {

    /**
     * Makes {@link VirtualCpu#run} return {@link VmExit.SingleStep} after each instruction, or no longer.
     *
     * <p>The emulator steps through handlers of exceptions and interrupts too, and the guest can't tell. KVM steps by
     * the guest's TF: PUSHF and the frames of handlers show the bit, and a handler runs to its end until its IRET takes
     * the bit from the frame. To end stepping within a handler makes that IRET raise #DB in the guest. After a fault
     * that KVM raises itself, as #UD on AMD's processors, it doesn't step before the next exit.
     *
     * @throws dev.kvmguest.vmm.config.VmmException if the host can't step
     */
    void setSingleStep(boolean on);

    /**
     * Makes {@link VirtualCpu#run} return {@link VmExit.SingleStep} before it executes an instruction, each time the
     * guest comes there, or no longer. Not to be used with {@link #setSingleStep}.
     *
     * <p>KVM uses the processor's debug registers; the guest has none of its own meanwhile.
     *
     * @param linear the instruction's linear address; empty for no longer
     * @throws dev.kvmguest.vmm.config.VmmException if the host has none
     */
    void setBreakpoint(OptionalLong linear);
}
