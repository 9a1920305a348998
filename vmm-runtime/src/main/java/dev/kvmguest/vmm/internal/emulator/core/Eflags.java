package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.Flag;

/**
 * EFLAGS (Intel SDM volume 1, 3.4.3). The six arithmetic flags are kept as the result and the carries that they follow
 * from, and worked out only when something reads them: most instructions set them and few look.
 */
public final class Eflags {

    private static final int IOPL_SHIFT = 12;
    private static final long AF_CARRY = 1 << 3;
    private static final long CF_WITHOUT_OF = 3L << 62;

    /**
     * The result, sign-extended from the operation's width: Flag.ZF if it is 0, Flag.SF its sign, Flag.PF its lowest
     * byte.
     */
    private long result = 1;
    /**
     * The carries out of each bit, with the one out of the operation's highest bit in bit 63 and the one out of the bit
     * below in bit 62, and the one out of bit 3 in bit 3: CF, Flag.OF and AF.
     */
    private long carries;
    /** Exclusive-ored to the result for Flag.SF (the sign) and Flag.PF (bit 0), so that any combination can be set. */
    private long flip;
    /** All flags but the arithmetic ones, at their bit positions. */
    private int others;

    /**
     * Sets the arithmetic flags after an operation.
     *
     * @param result the result; bits beyond the width are ignored
     * @param carries the carries, or borrows, out of each bit of the operation
     * @param width bytes: 1, 2, 4 or 8
     */
    public void set(long result, long carries, int width) {
        int unused = 64 - 8 * width;
        this.result = result << unused >> unused;
        this.carries = carries << unused | carries & AF_CARRY;
        this.flip = 0;
    }

    /** Sets the arithmetic flags after an operation of 32 bits, as {@link #set(long, long, int)} does. */
    public void set32(long newResult, long newCarries) {
        result = (int) newResult;
        carries = newCarries << 32 | newCarries & AF_CARRY;
        flip = 0;
    }

    /** Sets the arithmetic flags after an operation of 64 bits, as {@link #set(long, long, int)} does. */
    public void set64(long newResult, long newCarries) {
        result = newResult;
        carries = newCarries;
        flip = 0;
    }

    /** Sets ZF, Flag.SF and Flag.PF from a result and clears CF, Flag.OF and AF. */
    public void setLogic(long result, int width) {
        int unused = 64 - 8 * width;
        this.result = result << unused >> unused;
        this.carries = 0;
        this.flip = 0;
    }

    /** Sets the flags as {@link #set} does, but leaves Flag.CF as it is. */
    public void setKeepingCarry(long result, long carries, int width) {
        long before = this.carries;
        set(result, carries, width);
        // The two highest bits differ where Flag.OF is set: turned over together, they change Flag.CF alone.
        this.carries ^= (before ^ this.carries) >> 63 & CF_WITHOUT_OF;
    }

    /** Sets ZF, Flag.SF and Flag.PF from a result and leaves CF, Flag.OF and Flag.AF as they are. */
    public void setResult(long result, int width) {
        int unused = 64 - 8 * width;
        this.result = result << unused >> unused;
        this.flip = 0;
    }

    public boolean carry() {
        return carries < 0;
    }

    public boolean zero() {
        return result == 0;
    }

    public boolean sign() {
        return (result ^ flip) < 0;
    }

    public boolean overflow() {
        return (carries ^ carries << 1) < 0;
    }

    public boolean adjust() {
        return (carries & AF_CARRY) != 0;
    }

    public boolean parity() {
        return (Integer.bitCount((int) (result ^ flip) & 0xff) & 1) == 0;
    }

    /** Sets Flag.CF and leaves the other flags as they are, Flag.OF too. */
    public void setCarry(boolean carry) {
        setCarryAndOverflow(carry, overflow());
    }

    /** Sets Flag.OF and leaves the other flags as they are. */
    public void setOverflow(boolean overflow) {
        setCarryAndOverflow(carry(), overflow);
    }

    /** Sets Flag.CF and Flag.OF and leaves the other flags as they are. */
    public void setCarryAndOverflow(boolean carry, boolean overflow) {
        long top = (carry ? 1L << 63 : 0) | (carry != overflow ? 1L << 62 : 0);
        carries = carries & AF_CARRY | top;
    }

    /** Sets Flag.AF and leaves the other flags as they are. */
    public void setAdjust(boolean adjust) {
        carries = carries & ~AF_CARRY | (adjust ? AF_CARRY : 0);
    }

    /** Sets Flag.ZF and leaves the other flags as they are. */
    public void setZero(boolean zero) {
        setArithmetic(arithmetic() & ~Flag.ZF | (zero ? Flag.ZF : 0));
    }

    /** Returns the six arithmetic flags at their bit positions. */
    public int arithmetic() {
        return (carry() ? Flag.CF : 0)
                | (parity() ? Flag.PF : 0)
                | (adjust() ? Flag.AF : 0)
                | (zero() ? Flag.ZF : 0)
                | (sign() ? Flag.SF : 0)
                | (overflow() ? Flag.OF : 0);
    }

    /** Sets the six arithmetic flags; other bits are ignored. */
    public void setArithmetic(int flags) {
        result = (flags & Flag.ZF) != 0 ? 0 : 1;
        boolean parityOfResult = result == 0;
        flip = ((flags & Flag.SF) != 0 ? Long.MIN_VALUE : 0) | ((flags & Flag.PF) != 0 != parityOfResult ? 1 : 0);
        carries = (flags & Flag.AF) != 0 ? AF_CARRY : 0;
        setCarryAndOverflow((flags & Flag.CF) != 0, (flags & Flag.OF) != 0);
    }

    /** Returns all flags, the fixed bit included. */
    public int get() {
        return arithmetic() | others | Flag.FIXED;
    }

    /** Sets all flags; bits that don't exist are ignored. */
    public void set(int flags) {
        setArithmetic(flags);
        others = flags & Flag.ALL & ~Flag.ARITHMETIC;
    }

    /** Returns whether any of these flags is set; not for the arithmetic ones. */
    public boolean has(int flags) {
        return (others & flags) != 0;
    }

    /** Sets or clears flags; not for the arithmetic ones. */
    public void put(int flags, boolean on) {
        others = on ? others | flags : others & ~flags;
    }

    /** Returns the I/O privilege level, 0 to 3. */
    public int iopl() {
        return others >> IOPL_SHIFT & 3;
    }

    /**
     * Returns whether a condition of Jcc, SETcc and CMOVcc holds (Intel SDM volume 2, appendix B.1.4.7).
     *
     * @param condition the lowest four bits of the opcode
     */
    public boolean condition(int condition) {
        boolean holds =
                switch (condition >> 1) {
                    case 0 -> overflow();
                    case 1 -> carry();
                    case 2 -> zero();
                    case 3 -> carry() || zero();
                    case 4 -> sign();
                    case 5 -> parity();
                    case 6 -> sign() != overflow();
                    default -> zero() || sign() != overflow();
                };
        return holds != ((condition & 1) != 0);
    }
}
