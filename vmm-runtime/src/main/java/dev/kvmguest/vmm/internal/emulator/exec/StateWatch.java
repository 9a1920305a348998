package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuImage;
import dev.kvmguest.vmm.internal.emulator.core.WriteJournal;
import dev.kvmguest.vmm.internal.engine.DebugRegisterState;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A state of a vCPU where a {@link StateMark} is, and whether the vCPU is in it again. RAM must be as it was when its
 * journal was opened.
 */
final class StateWatch {

    private final Cpu cpu;
    private final WriteJournal journal;
    private final CpuState registers;
    private final List<Long> pageDirectoryPointers;
    private final XsaveArea fpu;
    private final long xcr0;
    private final long taskPriority;
    private final SortedMap<Integer, Long> msrs;
    private final DebugRegisterState debug;
    private final long timeReads;
    private boolean interruptible;

    StateWatch(Cpu cpu, WriteJournal journal) {
        this.cpu = cpu;
        this.journal = journal;
        this.registers = cpu.state();
        this.pageDirectoryPointers = cpu.memory.pageDirectoryPointers();
        this.fpu = FpuImage.save(cpu.fpu);
        this.xcr0 = cpu.xcr0();
        this.taskPriority = cpu.taskPriority;
        this.msrs = msrs();
        this.debug = cpu.debug.save();
        this.timeReads = cpu.timeReads;
    }

    /** To be called before an instruction whenever IF may have been set. */
    void look() {
        interruptible |= cpu.eflags.has(Flag.IF);
    }

    /** Returns whether all is the same but what {@link StateMark} compares. */
    boolean isBack() {
        return cpu.timeReads == timeReads
                && journal.isAsBefore()
                && cpu.state().equals(registers)
                && cpu.memory.pageDirectoryPointers().equals(pageDirectoryPointers)
                && FpuImage.save(cpu.fpu).equals(fpu)
                && cpu.xcr0() == xcr0
                && cpu.taskPriority == taskPriority
                && cpu.debug.save().equals(debug)
                && msrs().equals(msrs);
    }

    boolean wasInterruptible() {
        return interruptible;
    }

    private SortedMap<Integer, Long> msrs() {
        SortedMap<Integer, Long> all = new TreeMap<>(cpu.msrs.save());
        all.remove(VcpuState.TSC);
        return all;
    }
}
