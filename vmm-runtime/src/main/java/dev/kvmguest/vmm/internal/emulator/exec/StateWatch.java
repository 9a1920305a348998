package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuImage;
import dev.kvmguest.vmm.internal.emulator.core.WriteJournal;
import dev.kvmguest.vmm.internal.engine.DebugRegisterState;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** A state of a vCPU between two instructions, and whether the vCPU is in it again. */
final class StateWatch {

    private final Cpu cpu;
    private final long eip;
    private final long[] general;
    private final WriteJournal journal;
    private final CpuState registers;
    private final List<Long> pageDirectoryPointers;
    private final XsaveArea fpu;
    private final SortedMap<Integer, Long> msrs;
    private final DebugRegisterState debug;
    private final long timeReads;
    private long looked;
    private boolean interruptible;

    StateWatch(Cpu cpu) {
        this.cpu = cpu;
        this.eip = cpu.eip;
        this.general = cpu.registers.gpr.clone();
        this.journal = cpu.memory.journal();
        this.registers = cpu.state();
        this.pageDirectoryPointers = cpu.memory.pageDirectoryPointers();
        this.fpu = FpuImage.save(cpu.fpu);
        this.msrs = msrs();
        this.debug = cpu.debug.save();
        this.timeReads = cpu.timeReads;
        this.looked = cpu.retired;
    }

    /** Looks before a block; returns whether the guest has come to the same instruction with the same registers. */
    boolean isNear() {
        interruptible |= cpu.eflags.has(Flag.IF);
        if (cpu.eip != eip || cpu.retired == looked || cpu.host.hasAnswers()) {
            return false;
        }
        looked = cpu.retired;
        return isNow();
    }

    /** Returns whether EIP and general registers are the same. */
    boolean isNow() {
        return cpu.eip == eip && Arrays.equals(cpu.registers.gpr, general);
    }

    /** Returns whether all else is the same, too. */
    boolean isBack() {
        return cpu.timeReads == timeReads
                && journal.isAsBefore()
                && cpu.state().equals(registers)
                && cpu.memory.pageDirectoryPointers().equals(pageDirectoryPointers)
                && FpuImage.save(cpu.fpu).equals(fpu)
                && cpu.debug.save().equals(debug)
                && msrs().equals(msrs);
    }

    boolean wasInterruptible() {
        return interruptible;
    }

    void close() {
        cpu.memory.closeJournal();
    }

    private SortedMap<Integer, Long> msrs() {
        SortedMap<Integer, Long> all = new TreeMap<>(cpu.msrs.save());
        all.remove(VcpuState.TSC);
        return all;
    }
}
