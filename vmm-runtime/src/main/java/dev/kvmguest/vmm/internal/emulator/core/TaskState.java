package dev.kvmguest.vmm.internal.emulator.core;

/**
 * What a TSS holds of a task, but for the stacks of inner levels (Intel SDM volume 3A, 7.2.1 and 7.6).
 *
 * @param cr3 the page directory; 0 in a 16-bit TSS, which has none
 * @param eip where the task goes on
 * @param eflags its flags
 * @param general the general registers by number, EAX to EDI
 * @param selectors those of the segment registers by number, {@link Cpu#ES} to {@link Cpu#GS}
 * @param local the selector of its LDT
 * @param traps whether a switch to it raises #DB
 */
record TaskState(long cr3, long eip, int eflags, long[] general, int[] selectors, int local, boolean traps) {

    /** The lowest limits that a TSS can have to be switched to or from. */
    static final int LOWEST_LIMIT_32 = 0x67;

    static final int LOWEST_LIMIT_16 = 0x2b;

    private static final int CR3 = 0x1c;
    private static final int EIP_32 = 0x20;
    private static final int IP_16 = 0x0e;
    private static final int LDT_32 = 0x60;
    private static final int LDT_16 = 0x2a;
    private static final int TRAP = 0x64;
    private static final int GENERAL = 8;
    /** A 16-bit TSS has no FS and no GS. */
    private static final int SEGMENTS_16 = 4;

    /** What the upper halves of general registers are after a 16-bit TSS was loaded, as on processors of that time. */
    private static final long UPPER_HALF = 0xffff_0000L;

    /** Reads a TSS. */
    static TaskState read(Cpu cpu, long base, boolean wide) {
        int width = wide ? 4 : 2;
        long at = base + (wide ? EIP_32 : IP_16);
        long eip = cpu.memory.readSystem(at, width);
        int eflags = (int) cpu.memory.readSystem(at + width, width);
        long[] general = new long[GENERAL];
        for (int i = 0; i < GENERAL; i++) {
            long value = cpu.memory.readSystem(at + (2 + i) * (long) width, width);
            general[i] = wide ? value : UPPER_HALF | value;
        }
        int[] selectors = new int[Cpu.GS + 1];
        for (int i = 0; i < (wide ? selectors.length : SEGMENTS_16); i++) {
            selectors[i] = (int) cpu.memory.readSystem(at + (2 + GENERAL + i) * (long) width, 2);
        }
        return new TaskState(
                wide ? cpu.memory.readSystem(base + CR3, 4) : 0,
                eip,
                eflags,
                general,
                selectors,
                (int) cpu.memory.readSystem(base + (wide ? LDT_32 : LDT_16), 2),
                wide && (cpu.memory.readSystem(base + TRAP, 2) & 1) != 0);
    }

    /** Throws what {@link #save} would. */
    static void checkSave(Cpu cpu) {
        boolean wide = isWide(cpu);
        long first = cpu.tr.base() + (wide ? EIP_32 : IP_16);
        cpu.memory.checkWritableLinear(first, false);
        cpu.memory.checkWritableLinear(cpu.tr.base() + (wide ? LDT_32 : LDT_16) - 1, false);
    }

    /** Writes the registers into the current task's TSS, as far as they are saved. */
    static void save(Cpu cpu, long eip, int eflags) {
        boolean wide = isWide(cpu);
        int width = wide ? 4 : 2;
        long at = cpu.tr.base() + (wide ? EIP_32 : IP_16);
        cpu.memory.writeSystem(at, width, eip);
        cpu.memory.writeSystem(at + width, width, eflags);
        for (int i = 0; i < GENERAL; i++) {
            cpu.memory.writeSystem(at + (2 + i) * (long) width, width, cpu.registers.gpr[i]);
        }
        for (int i = 0; i < (wide ? cpu.segments.length : SEGMENTS_16); i++) {
            cpu.memory.writeSystem(at + (2 + GENERAL + i) * (long) width, 2, cpu.segments[i].selector());
        }
    }

    /** Returns whether the current task's TSS is a 32-bit one. */
    static boolean isWide(Cpu cpu) {
        return (cpu.tr.type() & InnerStack.TYPE_WIDE) != 0;
    }
}
