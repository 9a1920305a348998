package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/** Reads descriptors and loads segment registers, with every check (Intel SDM volume 3A, 5.3 to 5.7). */
public final class Segmentation {

    private static final int[] DATA = {Cpu.ES, Cpu.DS, Cpu.FS, Cpu.GS};

    private final Cpu cpu;

    public Segmentation(Cpu cpu) {
        this.cpu = cpu;
    }

    /**
     * Reads the descriptor of a selector that isn't null.
     *
     * @return null if the selector is beyond the limit of its table
     */
    public SegmentDescriptor find(int selector) {
        if (Selector.isLocal(selector)) {
            if (cpu.ldtr.isUnusable() || !Selector.isWithin(selector, cpu.ldtr.limit())) {
                return null;
            }
        } else if (!Selector.isWithin(selector, cpu.gdtr.limit())) {
            return null;
        }
        return new SegmentDescriptor(cpu.memory.readSystem(address(selector), SegmentDescriptor.BYTES));
    }

    /**
     * Reads the descriptor of a selector that isn't null.
     *
     * @param vector the exception, with the selector as its error code, if the selector is beyond the limit of its
     *     table
     * @param ext {@link Selector#EXTERNAL} or 0, for the error code
     */
    public SegmentDescriptor get(int selector, Vector vector, int ext) {
        SegmentDescriptor descriptor = find(selector);
        if (descriptor == null) {
            throw CpuFault.selector(vector, selector, ext).because("the selector is beyond the limit of its table");
        }
        return descriptor;
    }

    /**
     * Reads all of a gate or system descriptor of long mode.
     *
     * @param vector the exception, with the selector as its error code, if it is beyond the limit of its table, or has
     *     a type in its upper half
     */
    public LongModeDescriptor wide(int selector, SegmentDescriptor low, Vector vector) {
        long limit = Selector.isLocal(selector) ? cpu.ldtr.limit() : cpu.gdtr.limit();
        if (Selector.offset(selector) + LongModeDescriptor.BYTES - 1 > limit) {
            throw CpuFault.selector(vector, selector)
                    .because("the descriptor's upper eight bytes are beyond the limit of its table");
        }
        long high = cpu.memory.readSystem(address(selector) + SegmentDescriptor.BYTES, SegmentDescriptor.BYTES);
        LongModeDescriptor descriptor = new LongModeDescriptor(low, high);
        if (!descriptor.hasPlainUpperHalf()) {
            throw CpuFault.selector(vector, selector)
                    .because("the descriptor's upper eight bytes have a type, as if it had eight bytes");
        }
        return descriptor;
    }

    private long address(int selector) {
        long table = Selector.isLocal(selector) ? cpu.ldtr.base() : cpu.gdtr.base();
        return table + Selector.offset(selector);
    }

    /** Sets the accessed bit of a code or data segment in its table, if it isn't set. */
    public void markAccessed(int selector, SegmentDescriptor descriptor) {
        if (!descriptor.isAccessed()) {
            writeAccessByte(selector, descriptor.accessByte() | AccessRights.ACCESSED);
        }
    }

    /** Sets the busy bit of a TSS in its table. */
    public void markBusy(int selector, SegmentDescriptor descriptor) {
        writeAccessByte(selector, descriptor.accessByte() | SegmentDescriptor.TSS_BUSY);
    }

    /** Throws what setting or clearing the busy bit of a TSS would. */
    void checkWritable(int selector) {
        cpu.memory.checkWritableLinear(address(selector) + SegmentDescriptor.ACCESS_BYTE, false);
    }

    /** Clears the busy bit of a TSS in its table. */
    void markAvailable(int selector) {
        long access = address(selector) + SegmentDescriptor.ACCESS_BYTE;
        cpu.memory.writeSystem(access, 1, cpu.memory.readSystem(access, 1) & ~SegmentDescriptor.TSS_BUSY);
    }

    /** Loads TR with a TSS, which is busy then. */
    void loadTask(int selector, SegmentDescriptor task) {
        loadTask(task.loadedSystem(selector));
    }

    /** Loads TR with a TSS that was available, and is busy then. */
    public void loadTask(SegmentState available) {
        cpu.tr.load(
                new SegmentState(
                        available.selector(),
                        available.base(),
                        available.limit(),
                        available.accessRights() | SegmentDescriptor.TSS_BUSY),
                cpu.mode());
    }

    private void writeAccessByte(int selector, int value) {
        cpu.memory.writeSystem(address(selector) + SegmentDescriptor.ACCESS_BYTE, 1, value);
    }

    /**
     * Loads ES, SS, DS, FS or GS as MOV, POP and LDS do (volume 2, MOV).
     *
     * @throws CpuFault if the guest may not; nothing is changed then
     */
    public void load(int segment, int selector) {
        if (!cpu.usesDescriptors()) {
            cpu.loadRealSegment(segment, selector);
        } else if (segment == Cpu.SS) {
            loadStack(selector);
        } else if (Selector.isNull(selector)) {
            cpu.loadSegment(segment, new SegmentState(selector, 0, 0, SegmentState.UNUSABLE));
        } else {
            loadData(segment, selector);
        }
    }

    private void loadStack(int selector) {
        if (Selector.isNull(selector)) {
            if (cpu.mode().is64() && !cpu.isUser() && Selector.rpl(selector) == cpu.cpl()) {
                cpu.loadSegment(Cpu.SS, LongModeStacks.nullStack(selector, cpu.cpl()));
                return;
            }
            throw CpuFault.generalProtection().because("SS must not be null");
        }
        SegmentDescriptor descriptor = checkedStack(selector, cpu.cpl(), Vector.GP, 0);
        markAccessed(selector, descriptor);
        cpu.loadSegment(Cpu.SS, descriptor.loaded(selector));
    }

    /**
     * Reads the descriptor of a stack segment and checks that it is one for a privilege level.
     *
     * @param selector not null
     * @param level the level that RPL and DPL must have
     * @param vector the exception if the selector is no good; if the segment is not present it is #SS
     * @param ext {@link Selector#EXTERNAL} or 0, for the error code
     */
    public SegmentDescriptor checkedStack(int selector, int level, Vector vector, int ext) {
        SegmentDescriptor descriptor = get(selector, vector, ext);
        if (Selector.rpl(selector) != level) {
            throw CpuFault.selector(vector, selector, ext).because("the RPL for SS is not the privilege level");
        }
        if (!descriptor.isWritable()) {
            throw CpuFault.selector(vector, selector, ext).because("the segment for SS is not writable data");
        }
        if (descriptor.dpl() != level) {
            throw CpuFault.selector(vector, selector, ext).because("the DPL for SS is not the privilege level");
        }
        if (!descriptor.isPresent()) {
            throw CpuFault.selector(Vector.SS, selector, ext).because("the stack segment is not present");
        }
        return descriptor;
    }

    private void loadData(int segment, int selector) {
        SegmentDescriptor descriptor = get(selector, Vector.GP, 0);
        if (!descriptor.isReadable()) {
            throw CpuFault.selector(Vector.GP, selector).because("the segment is neither data nor readable code");
        }
        if (!descriptor.isConforming() && isAbove(selector, descriptor)) {
            throw CpuFault.selector(Vector.GP, selector).because("the segment's DPL is below CPL or RPL");
        }
        if (!descriptor.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector).because("the segment is not present");
        }
        markAccessed(selector, descriptor);
        cpu.loadSegment(segment, descriptor.loaded(selector));
    }

    /** Returns whether CPL or RPL is numerically above a descriptor's DPL, so that it is out of reach. */
    public boolean isAbove(int selector, SegmentDescriptor descriptor) {
        return Math.max(cpu.cpl(), Selector.rpl(selector)) > descriptor.dpl();
    }

    /** Loads CS and sets the current privilege level, without a check; the RPL becomes the level. */
    public void loadCode(int selector, SegmentDescriptor descriptor, int level) {
        cpu.loadSegment(Cpu.CS, descriptor.loaded(Selector.withRpl(selector, level)));
        cpu.setCpl(level);
    }

    /** Empties the data segment registers when virtual-8086 mode is left: its selectors are none of descriptors. */
    void dropAllData() {
        for (int number : DATA) {
            cpu.loadSegment(number, SegmentState.unusable());
        }
    }

    /**
     * Empties the data segment registers that an outer level must not have inherited (volume 3A, 5.8.6). In long mode
     * they keep their bases, as on processors: FS and GS of a program in 64-bit mode go by what the kernel wrote to the
     * MSRs, whichever selector it left there.
     */
    public void dropInnerData() {
        for (int number : DATA) {
            Segment segment = cpu.segments[number];
            if (!segment.isUnusable() && !segment.isConforming() && segment.dpl() < cpu.cpl()) {
                long base = cpu.isLongMode() ? segment.cachedBase() : 0;
                cpu.loadSegment(number, new SegmentState(0, base, 0, SegmentState.UNUSABLE));
            }
        }
    }
}
