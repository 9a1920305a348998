package dev.kvmguest.vmm.internal.boot.layout;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.Flag;

/** What the registers have at entry in every boot mode. */
public final class EntryRegisters {

    private EntryRegisters() {}

    /** Returns registers of 0, EFLAGS with nothing but the bit that is always set, a busy TSS in TR, and no LDT. */
    public static CpuState.Builder fixed() {
        return CpuState.builder()
                .set(Register.RFLAGS, Flag.FIXED)
                .segment(SegmentRegister.TR, SegmentState.resetTask())
                .segment(SegmentRegister.LDTR, SegmentState.unusable());
    }
}
