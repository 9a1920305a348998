package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.LongModeTask;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * The stack pointers in the TSS of long mode, and the empty SS that goes with them (Intel SDM volume 3A, 6.14 and 7.7).
 */
public final class LongModeStacks {

    private LongModeStacks() {}

    /**
     * Reads the stack pointer of an inner privilege level.
     *
     * @param level 0 to 2
     * @param ext {@link dev.kvmguest.vmm.internal.x86.Selector#EXTERNAL} or 0, for error codes
     */
    public static long ofLevel(Cpu cpu, int level, int ext) {
        return read(cpu, LongModeTask.innerStack(level), ext, "the stack of ring " + level);
    }

    /**
     * Reads a stack pointer of the interrupt stack table.
     *
     * @param number 1 to 7
     * @param ext {@link dev.kvmguest.vmm.internal.x86.Selector#EXTERNAL} or 0, for error codes
     */
    static long ofInterrupts(Cpu cpu, int number, int ext) {
        return read(cpu, LongModeTask.interruptStack(number), ext, "IST " + number);
    }

    private static long read(Cpu cpu, int offset, int ext, String name) {
        if (offset + Long.BYTES - 1 > cpu.tr.limit()) {
            throw CpuFault.selector(Vector.TS, cpu.tr.selector(), ext).because("the TSS ends before " + name);
        }
        return cpu.memory.readSystem(cpu.tr.base() + offset, Long.BYTES);
    }

    /** Loads SS with a null selector, as a change to an inner privilege level does. */
    public static void loadNullStack(Cpu cpu, int level) {
        cpu.loadSegment(Cpu.SS, nullStack(level, level));
    }

    /**
     * Returns the SS of 64-bit mode without a segment. It keeps the privilege level, which is that of SS for whoever
     * looks at the registers.
     *
     * @param selector 0 to 3
     */
    public static SegmentState nullStack(int selector, int level) {
        return new SegmentState(selector, 0, 0, SegmentState.UNUSABLE | level << AccessRights.DPL_SHIFT);
    }
}
