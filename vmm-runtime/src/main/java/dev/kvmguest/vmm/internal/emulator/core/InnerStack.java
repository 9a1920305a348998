package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * The stack that the TSS names for an inner privilege level, checked but not loaded (Intel SDM volume 3A, 5.8.5).
 *
 * @param segment what SS will hold
 * @param pointer what ESP will hold, before anything is pushed
 * @param descriptor of the segment
 */
public record InnerStack(Segment segment, long pointer, SegmentDescriptor descriptor) {

    /** Set in the type of a 32-bit TSS. */
    static final int TYPE_WIDE = 8;

    /**
     * Reads a level's stack from the current TSS.
     *
     * @param level the new privilege level, 0 to 2
     * @param ext {@link Selector#EXTERNAL} or 0, for error codes
     */
    public static InnerStack find(Cpu cpu, int level, int ext) {
        boolean wide = (cpu.tr.type() & TYPE_WIDE) != 0;
        int width = wide ? 4 : 2;
        int offset = level * 2 * width + width;
        if (offset + width + 1 > cpu.tr.limit()) {
            throw CpuFault.selector(Vector.TS, cpu.tr.selector(), ext).because("the TSS ends before the inner stack");
        }
        long pointer = cpu.memory.readSystem(cpu.tr.base() + offset, width);
        int selector = (int) cpu.memory.readSystem(cpu.tr.base() + offset + width, 2);
        if (Selector.isNull(selector)) {
            throw CpuFault.of(Vector.TS, ext).because("the inner stack's selector in the TSS is null");
        }
        SegmentDescriptor descriptor = cpu.segmentation.checkedStack(selector, level, Vector.TS, ext);
        Segment segment = new Segment();
        segment.load(descriptor.loaded(selector), cpu.mode());
        return new InnerStack(segment, pointer, descriptor);
    }

    /** Sets the descriptor's accessed bit in its table. */
    public void markAccessed(Cpu cpu) {
        cpu.segmentation.markAccessed(segment.selector(), descriptor);
    }

    /** Loads SS. */
    public void load(Cpu cpu) {
        cpu.loadSegment(Cpu.SS, segment.state());
    }
}
