package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.engine.DebugRegisterState;
import java.util.Arrays;

/**
 * DR0 to DR7 (Intel SDM volume 3B, 17.2): breakpoints on code and data, and what a debug exception was for. Breakpoints
 * on ports are not compared.
 */
public final class DebugRegisters {

    /** DR6.BS: a single step. */
    public static final int DR6_BS = 1 << 14;
    /** DR6.BT: a switch to a task whose TSS has T set. */
    public static final int DR6_BT = 1 << 15;
    /** DR6.BD: DR7.GD forbade an access to a debug register. */
    public static final int DR6_BD = 1 << 13;
    /** DR7.GD: any access to a debug register is #DB. */
    public static final int DR7_GD = 1 << 13;

    private static final int BREAKPOINTS = 4;
    /** DR6.B0 to B3: the breakpoints that were hit. */
    private static final long DR6_BREAKPOINTS = 0xf;

    private static final long DR6_FIXED = 0xffff_0ff0L;
    private static final long DR6_WRITABLE = 0xe00f;
    private static final long DR7_FIXED = 0x400;
    private static final long DR7_WRITABLE = 0xffff_23ffL;
    /** L0 to L3 and LE, which a task switch clears. */
    private static final long DR7_LOCAL = 0x155;

    private static final int KIND_EXECUTE = 0;
    private static final int KIND_WRITE = 1;
    private static final int KIND_READ_WRITE = 3;

    private final long[] addresses = new long[BREAKPOINTS];
    private long dr6 = DR6_FIXED;
    private long dr7 = DR7_FIXED;
    private boolean watchesCode;
    private boolean watchesData;
    private int hits;
    private boolean entered;

    /**
     * Returns a register.
     *
     * @param number 0 to 3, 6 or 7
     */
    public long get(int number) {
        return switch (number) {
            case 6 -> dr6;
            case 7 -> dr7;
            default -> addresses[number];
        };
    }

    /** Sets a register: 0 to 3, 6 or 7. Fixed bits keep their values. */
    public void set(int number, long value) {
        switch (number) {
            case 6 -> dr6 = value & DR6_WRITABLE | DR6_FIXED;
            case 7 -> dr7 = value & DR7_WRITABLE | DR7_FIXED;
            default -> addresses[number] = value;
        }
        watchesCode = false;
        watchesData = false;
        for (int i = 0; i < BREAKPOINTS; i++) {
            watchesCode |= isEnabled(i) && kind(i) == KIND_EXECUTE;
            watchesData |= isEnabled(i) && (kind(i) == KIND_WRITE || kind(i) == KIND_READ_WRITE);
        }
    }

    /** Returns all of them. */
    public DebugRegisterState save() {
        return new DebugRegisterState(Arrays.stream(addresses).boxed().toList(), dr6, dr7);
    }

    /** Sets all of them. */
    public void restore(DebugRegisterState state) {
        for (int i = 0; i < BREAKPOINTS; i++) {
            set(i, state.addresses().get(i));
        }
        set(6, state.dr6());
        set(7, state.dr7());
        hits = 0;
        entered = false;
    }

    /** Returns whether a breakpoint on code is enabled. */
    public boolean watchesCode() {
        return watchesCode;
    }

    /** Returns whether a breakpoint on data is enabled; memory must report each access then. */
    public boolean watchesData() {
        return watchesData;
    }

    /** Notes an access to memory. */
    public void accessed(long linear, int width, boolean write) {
        if (!watchesData) {
            return;
        }
        for (int i = 0; i < BREAKPOINTS; i++) {
            boolean wanted = kind(i) == KIND_READ_WRITE || write && kind(i) == KIND_WRITE;
            long start = addresses[i] & -length(i);
            if (isEnabled(i) && wanted && overlap(linear, width, start, length(i))) {
                hits |= 1 << i;
            }
        }
    }

    /** Distances are compared without a sign, since addresses may have all 64 bits. */
    private static boolean overlap(long linear, int width, long start, long length) {
        return Long.compareUnsigned(linear - start, length) < 0 || Long.compareUnsigned(start - linear, width) < 0;
    }

    /** Turns off the breakpoints that are the current task's alone. */
    void leaveTask() {
        set(7, dr7 & ~DR7_LOCAL);
    }

    /** Notes that the handler of #DB was entered by INT1. */
    void entered() {
        entered = true;
    }

    /** Returns whether INT1 has entered the handler of #DB, and forgets it. */
    public boolean takeEntered() {
        boolean taken = entered;
        entered = false;
        return taken;
    }

    /** Notes that a task was entered that is to be trapped. */
    void taskEntered() {
        hits |= DR6_BT;
    }

    /** Returns whether a task was entered that is to be trapped, and forgets it. */
    public boolean takeTaskEntered() {
        boolean entered = (hits & DR6_BT) != 0;
        hits &= ~DR6_BT;
        return entered;
    }

    /**
     * Returns the bits B0 to B3 of the data breakpoints hit since the last call, and {@link #DR6_BT}, and forgets them.
     */
    public int takeHits() {
        int taken = hits;
        hits = 0;
        return taken;
    }

    /** Returns the bits B0 to B3 of the breakpoints on code at a linear address. */
    public int codeHits(long linear) {
        int found = 0;
        for (int i = 0; i < BREAKPOINTS; i++) {
            if (isEnabled(i) && kind(i) == KIND_EXECUTE && addresses[i] == linear) {
                found |= 1 << i;
            }
        }
        return found;
    }

    /**
     * Sets what a debug exception is for, before it is delivered: bits of DR6. Of those that were set B0 to B3 are
     * cleared, as on processors (the manual allows both), and the others stay. DR7.GD is cleared.
     */
    public void raise(int reasons) {
        dr6 = dr6 & ~DR6_BREAKPOINTS | reasons;
        dr7 &= ~DR7_GD;
    }

    private boolean isEnabled(int breakpoint) {
        return (dr7 >> 2 * breakpoint & 3) != 0;
    }

    private int kind(int breakpoint) {
        return (int) (dr7 >> 16 + 4 * breakpoint) & 3;
    }

    private long length(int breakpoint) {
        int field = (int) (dr7 >> 18 + 4 * breakpoint) & 3;
        return field == 2 ? 8 : field + 1;
    }
}
