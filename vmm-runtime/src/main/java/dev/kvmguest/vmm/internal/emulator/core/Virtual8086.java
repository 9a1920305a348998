package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;

/**
 * Virtual-8086 mode (Intel SDM volume 3A, chapter 20): its segments, and which of its INT n an 8086 handler gets. It is
 * left through {@link HandlerEntry} and {@link TaskSwitch}.
 */
public final class Virtual8086 {

    /** The privilege level of its code. */
    public static final int LEVEL = 3;

    private static final long LIMIT = 0xffff;
    /** Present, writable, accessed data of ring 3, in CS too (volume 3C, 26.3.1.2). */
    private static final int RIGHTS = 0xf3;

    private static final int IO_MAP_BASE = 102;
    /** The software interrupt redirection bit map ends where the I/O permission bit map begins. */
    private static final int REDIRECTION_BYTES = 32;

    private Virtual8086() {}

    /** Returns a segment register in virtual-8086 mode. */
    public static SegmentState segment(int selector) {
        return new SegmentState(selector, selector * 16L, LIMIT, RIGHTS);
    }

    /**
     * Sets EFLAGS.VM, the segment registers and the privilege level.
     *
     * @param selectors by number, {@link Cpu#ES} to {@link Cpu#GS}
     */
    static void enter(Cpu cpu, int[] selectors) {
        cpu.eflags.put(Flag.VM, true);
        for (int number = 0; number < selectors.length; number++) {
            cpu.loadSegment(number, segment(selectors[number]));
        }
        cpu.setCpl(LEVEL);
    }

    /**
     * Returns to virtual-8086 mode, as IRETD at privilege level 0 does (volume 2, IRET).
     *
     * @param flags EFLAGS, VM set
     */
    public static void returnTo(Cpu cpu, long eip, int codeSelector, int flags) {
        long[] popped = new long[6];
        for (int i = 0; i < popped.length; i++) {
            long offset = cpu.registers.gpr[Registers.RSP] + 12 + 4L * i & cpu.stackMask();
            popped[i] = cpu.memory.read32(Cpu.SS, offset);
        }
        if (eip > LIMIT) {
            throw CpuFault.generalProtection().because("the return address is beyond the limit of CS");
        }
        int[] selectors = new int[Cpu.GS + 1];
        selectors[Cpu.CS] = codeSelector;
        selectors[Cpu.SS] = (int) popped[1] & 0xffff;
        selectors[Cpu.ES] = (int) popped[2] & 0xffff;
        selectors[Cpu.DS] = (int) popped[3] & 0xffff;
        selectors[Cpu.FS] = (int) popped[4] & 0xffff;
        selectors[Cpu.GS] = (int) popped[5] & 0xffff;
        cpu.eflags.set(flags);
        enter(cpu, selectors);
        cpu.registers.set(Registers.RSP, 4, popped[0]);
        cpu.eip = eip;
        cpu.controlFlagsChanged();
    }

    /**
     * Executes INT n in virtual-8086 mode, if that doesn't enter a handler of protected mode: with CR4.VME and a clear
     * bit in the TSS an 8086 handler is entered (volume 3A, 20.3.3).
     *
     * @return whether a handler has been entered; if not, the IDT's is to be
     * @throws CpuFault #GP(0) if IOPL is too low
     */
    public static boolean interrupt(Cpu cpu, int vector, long returnEip) {
        if ((cpu.cr4() & Cr4.VME) != 0 && !isRedirectionOff(cpu, vector)) {
            enterVector(cpu, vector, returnEip);
            return true;
        }
        requireIopl(cpu);
        return false;
    }

    /** Throws #GP(0) unless EFLAGS.IOPL lets virtual-8086 mode execute what depends on it. */
    public static void requireIopl(Cpu cpu) {
        if (cpu.eflags.iopl() < LEVEL) {
            throw CpuFault.generalProtection().because("IOPL is below 3 in virtual-8086 mode");
        }
    }

    /** Returns whether virtual-8086 mode has VIF in place of IF: CR4.VME is set, and IOPL is below 3. */
    public static boolean hasVirtualInterruptFlag(Cpu cpu) {
        return cpu.isVirtual8086() && (cpu.cr4() & Cr4.VME) != 0 && cpu.eflags.iopl() < LEVEL;
    }

    private static boolean isRedirectionOff(Cpu cpu, int vector) {
        if (cpu.tr.limit() < IO_MAP_BASE + 1) {
            throw CpuFault.generalProtection().because("the TSS ends before its redirection bit map");
        }
        long map = cpu.memory.readSystem(cpu.tr.base() + IO_MAP_BASE, 2);
        long offset = map - REDIRECTION_BYTES + (vector >> 3);
        if (offset < 0 || offset > cpu.tr.limit()) {
            throw CpuFault.generalProtection().because("the TSS ends before its redirection bit map");
        }
        return (cpu.memory.readSystem(cpu.tr.base() + offset, 1) >> (vector & 7) & 1) != 0;
    }

    private static void enterVector(Cpu cpu, int vector, long returnEip) {
        boolean virtual = cpu.eflags.iopl() < LEVEL;
        StackFrame frame = StackFrame.current(cpu, 2)
                .push(virtual ? flagsWithVif(cpu) : cpu.eflags.get())
                .push(cpu.segments[Cpu.CS].selector())
                .push(returnEip);
        frame.requireRoom(0);
        frame.checkWritable();
        long address = (long) vector * InterruptTable.POINTER_BYTES;
        long target = cpu.memory.readLinear(address, InterruptTable.POINTER_BYTES, true);
        frame.write();
        frame.commitPointer();
        cpu.loadRealSegment(Cpu.CS, (int) (target >> 16));
        cpu.eip = target & 0xffff;
        cpu.eflags.put(Flag.TF | (virtual ? Flag.VIF : Flag.IF), false);
        cpu.cancelTrap();
    }

    /** Returns the lower 16 flags as PUSHF and INT n push them with VIF in place of IF: IOPL reads as 3. */
    public static int flagsWithVif(Cpu cpu) {
        int flags = cpu.eflags.get() & 0xffff & ~Flag.IF | Flag.IOPL;
        return cpu.eflags.has(Flag.VIF) ? flags | Flag.IF : flags;
    }

    /** Throws #GP(0) if {@link #setFlagsWithVif} would set TF, or VIF while a virtual interrupt is pending. */
    public static void checkFlagsWithVif(Cpu cpu, int flags) {
        if ((flags & Flag.TF) != 0) {
            throw CpuFault.generalProtection().because("TF can't be set where VIF stands for IF");
        }
        if ((flags & Flag.IF) != 0 && cpu.eflags.has(Flag.VIP)) {
            throw CpuFault.generalProtection().because("a virtual interrupt is pending (EFLAGS.VIP)");
        }
    }

    /** Sets the lower 16 flags as POPF and IRET do with VIF in place of IF: IF and IOPL stay. */
    public static void setFlagsWithVif(Cpu cpu, int flags) {
        int changed = Flag.ARITHMETIC | Flag.TF | Flag.DF | Flag.NT;
        cpu.eflags.set(cpu.eflags.get() & ~changed | flags & changed);
        cpu.eflags.put(Flag.VIF, (flags & Flag.IF) != 0);
        cpu.controlFlagsChanged();
    }
}
