package dev.kvmguest.vmm.internal.emulator.core;

import java.util.Arrays;

/**
 * The x87, MMX and SSE registers (Intel SDM volume 1, 8.1, 9.2 and 10.2), as bits.
 *
 * <p>They start as FNINIT leaves them, with MXCSR as a reset does; a processor's own reset would unmask the x87
 * exceptions, but every KVM starts its vCPUs like this.
 */
public final class FpuState {

    /** MXCSR bits that can be set; what FXSAVE stores as MXCSR_MASK. */
    public static final int MXCSR_MASK = 0xffff;

    // The status word (volume 1, 8.1.3).
    public static final int INVALID = 1;
    public static final int DENORMAL = 1 << 1;
    public static final int ZERO_DIVIDE = 1 << 2;
    public static final int OVERFLOW = 1 << 3;
    public static final int UNDERFLOW = 1 << 4;
    public static final int PRECISION = 1 << 5;
    public static final int STACK_FAULT = 1 << 6;
    static final int ERROR_SUMMARY = 1 << 7;
    public static final int C0 = 1 << 8;
    public static final int C1 = 1 << 9;
    public static final int C2 = 1 << 10;
    public static final int C3 = 1 << 14;
    public static final int CONDITIONS = C0 | C1 | C2 | C3;
    static final int BUSY = 1 << 15;
    /** The six exceptions, in status word, control word (masks) and MXCSR alike. */
    public static final int EXCEPTIONS = 0x3f;

    /** The x87 registers, and MMX registers, which are the same. */
    public static final int X87_REGISTERS = 8;
    /** The XMM registers, of which code outside 64-bit mode sees the first eight. */
    public static final int XMM_REGISTERS = 16;

    private static final int TOP_SHIFT = 11;
    private static final int TOP_MASK = 7 << TOP_SHIFT;
    private static final int INITIAL_CONTROL = 0x37f;
    private static final int CONTROL_FIXED = 0x40;
    private static final int CONTROL_WRITABLE = 0x1f3f;
    private static final int INITIAL_MXCSR = 0x1f80;
    private static final int MMX_EXPONENT = 0xffff;
    private static final int ALL = 0xff;

    // Tags (volume 1, 8.1.7).
    private static final int TAG_VALID = 0;
    private static final int TAG_ZERO = 1;
    private static final int TAG_SPECIAL = 2;
    private static final int TAG_EMPTY = 3;

    /** XMM registers: the low half of register n at 2n, the high half at 2n + 1. */
    public final long[] xmm = new long[2 * XMM_REGISTERS];

    /** Halves of a 16-byte operand that has been read. */
    public long low;

    public long high;

    private int mxcsr = INITIAL_MXCSR;

    // By physical number; MMX register n is significand n.
    private final long[] significands = new long[X87_REGISTERS];
    private final int[] signExponents = new int[X87_REGISTERS];
    /** Bit n is set if physical register n is not empty. */
    private int used;

    private int control = INITIAL_CONTROL;
    /** Without TOP and the two bits that follow from the rest. */
    private int status;

    private int top;

    // Where the last instruction that was no control instruction is, and its memory operand (volume 1, 8.1.8).
    private long instructionOffset;
    private int instructionSelector;
    private long dataOffset;
    private int dataSelector;

    /** FNINIT. XMM registers and MXCSR stay. */
    public void initialize() {
        control = INITIAL_CONTROL;
        status = 0;
        top = 0;
        used = 0;
        instructionOffset = 0;
        instructionSelector = 0;
        dataOffset = 0;
        dataSelector = 0;
    }

    /** Sets ST0 to ST7 to 0 and leaves their tags as they are. */
    public void clearRegisters() {
        Arrays.fill(significands, 0);
        Arrays.fill(signExponents, 0);
    }

    /** Returns whether x87 is in the state that XRSTOR calls initial (volume 1, 13.6). */
    public boolean isX87Initial() {
        return control == INITIAL_CONTROL
                && status() == 0
                && used == 0
                && instructionOffset == 0
                && instructionSelector == 0
                && dataOffset == 0
                && dataSelector == 0
                && Arrays.stream(significands).allMatch(significand -> significand == 0)
                && Arrays.stream(signExponents).allMatch(signExponent -> signExponent == 0);
    }

    /** Returns whether all XMM registers are 0. */
    public boolean isXmmInitial() {
        return Arrays.stream(xmm).allMatch(half -> half == 0);
    }

    public int mxcsr() {
        return mxcsr;
    }

    /** Sets MXCSR. Reserved bits have been refused before. */
    public void setMxcsr(int value) {
        mxcsr = value;
    }

    /** Returns an MMX register, 0 to 7. */
    public long mmx(int number) {
        return significands[number];
    }

    /** Sets an MMX register; its sign and exponent become ones. */
    public void setMmx(int number, long value) {
        significands[number] = value;
        signExponents[number] = MMX_EXPONENT;
    }

    /** What every MMX instruction but EMMS does first: TOP becomes 0, and all registers are in use. */
    public void enterMmx() {
        top = 0;
        used = ALL;
    }

    /** EMMS: all registers are empty, and TOP is 0. */
    public void leaveMmx() {
        top = 0;
        used = 0;
    }

    public int control() {
        return control;
    }

    /** Sets the control word; reserved bits keep their values. */
    public void setControl(int value) {
        control = value & CONTROL_WRITABLE | CONTROL_FIXED;
    }

    /** Returns the status word. */
    public int status() {
        int summary = hasPendingException() ? ERROR_SUMMARY | BUSY : 0;
        return status | top << TOP_SHIFT | summary;
    }

    /** Sets the status word, TOP included. ES and B follow from exceptions and masks. */
    public void setStatus(int value) {
        status = value & ~(TOP_MASK | ERROR_SUMMARY | BUSY);
        top = value >> TOP_SHIFT & 7;
    }

    /** Sets bits of the status word that say what has happened. */
    public void raise(int bits) {
        status |= bits;
    }

    /** Replaces those condition codes that are in the mask. */
    public void setConditions(int mask, int bits) {
        status = status & ~mask | bits;
    }

    /** FNCLEX. */
    public void clearExceptions() {
        status &= ~(EXCEPTIONS | STACK_FAULT);
    }

    /**
     * Returns whether an exception is there that the control word doesn't mask: the next waiting instruction is #MF.
     */
    boolean hasPendingException() {
        return (status & ~control & EXCEPTIONS) != 0;
    }

    public int top() {
        return top;
    }

    public void setTop(int value) {
        top = value & 7;
    }

    /** Returns the physical number of ST(i). */
    int physical(int i) {
        return top + i & 7;
    }

    public boolean isEmpty(int i) {
        return (used >> physical(i) & 1) == 0;
    }

    /** Makes ST(i) empty. */
    public void free(int i) {
        used &= ~(1 << physical(i));
    }

    /** Returns ST(i)'s significand. */
    public long significand(int i) {
        return significands[physical(i)];
    }

    /** Returns ST(i)'s sign (bit 15) and exponent. */
    public int signExponent(int i) {
        return signExponents[physical(i)];
    }

    /** Sets ST(i), which isn't empty then. */
    public void setRegister(int i, int signExponent, long significand) {
        restoreRegister(i, signExponent, significand);
        used |= 1 << physical(i);
    }

    /** Sets ST(i) and leaves the tag as it is. */
    public void restoreRegister(int i, int signExponent, long significand) {
        int physical = physical(i);
        significands[physical] = significand;
        signExponents[physical] = signExponent & 0xffff;
    }

    /** Returns which physical registers are in use: bit n for register n. FXSAVE's form of the tag word. */
    public int used() {
        return used;
    }

    public void setUsed(int mask) {
        used = mask & ALL;
    }

    /** Returns the tag word: two bits for each physical register. */
    public int tags() {
        int tags = 0;
        for (int i = 0; i < X87_REGISTERS; i++) {
            tags |= tag(i) << 2 * i;
        }
        return tags;
    }

    /** Sets which registers are in use; tags of those that are follow from what they hold. */
    public void setTags(int tags) {
        used = 0;
        for (int i = 0; i < X87_REGISTERS; i++) {
            if ((tags >> 2 * i & TAG_EMPTY) != TAG_EMPTY) {
                used |= 1 << i;
            }
        }
    }

    private int tag(int physical) {
        if ((used >> physical & 1) == 0) {
            return TAG_EMPTY;
        }
        int exponent = signExponents[physical] & 0x7fff;
        if (exponent == 0 && significands[physical] == 0) {
            return TAG_ZERO;
        }
        boolean integerBit = significands[physical] < 0;
        return exponent == 0 || exponent == 0x7fff || !integerBit ? TAG_SPECIAL : TAG_VALID;
    }

    /** Notes where an instruction is that computes something. */
    public void setInstructionPointer(int selector, long offset) {
        instructionSelector = selector;
        instructionOffset = offset;
    }

    /** Notes a memory operand. */
    public void setDataPointer(int selector, long offset) {
        dataSelector = selector;
        dataOffset = offset;
    }

    public long instructionOffset() {
        return instructionOffset;
    }

    public int instructionSelector() {
        return instructionSelector;
    }

    public long dataOffset() {
        return dataOffset;
    }

    public int dataSelector() {
        return dataSelector;
    }
}
