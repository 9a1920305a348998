package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * What is looked at before a hardware task switch: whether a selector is that of a TSS that can be switched to (Intel
 * SDM volume 3A, 7.3). The switch itself is not supported.
 */
public final class TaskGateChecks {

    private TaskGateChecks() {}

    /**
     * Checks the TSS that a task gate leads to.
     *
     * @param ext {@link Selector#EXTERNAL} or 0, for the error code
     */
    public static void checkGate(Cpu cpu, SegmentDescriptor gate, int ext) {
        int selector = gate.gateSelector();
        SegmentDescriptor task = find(cpu, selector);
        if (task == null || !task.isAvailableTss()) {
            throw CpuFault.selector(Vector.GP, selector, ext)
                    .because("the task gate leads to no TSS, or to a busy one");
        }
        requirePresent(selector, task, ext);
    }

    /** Checks the TSS that IRET returns to when EFLAGS.NT is set. */
    public static void checkPrevious(Cpu cpu) {
        int selector = (int) cpu.memory.readSystem(cpu.tr.base(), 2);
        SegmentDescriptor task = find(cpu, selector);
        if (task == null || !task.isTss() || task.isAvailableTss()) {
            throw CpuFault.selector(Vector.TS, selector, 0).because("the previous task link is not that of a busy TSS");
        }
        requirePresent(selector, task, 0);
    }

    private static SegmentDescriptor find(Cpu cpu, int selector) {
        return (selector & Selector.IN_LDT) != 0 ? null : cpu.segmentation.find(selector);
    }

    private static void requirePresent(int selector, SegmentDescriptor task, int ext) {
        if (!task.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector, ext).because("the task's descriptor is not present");
        }
    }
}
