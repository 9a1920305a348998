package dev.kvmguest.vmm.internal.emulator.decode;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import java.util.function.IntToLongFunction;

/** How the memory operand of ModRM is addressed: ModRM, SIB and displacement (Intel SDM volume 2A, 2.1.5 and 2.2.1). */
final class EffectiveAddress {

    // 16-bit addressing by r/m (volume 2, table 2-1).
    private static final int[] BASE_16 = {
        Registers.RBX,
        Registers.RBX,
        Registers.RBP,
        Registers.RBP,
        Registers.RSI,
        Registers.RDI,
        Registers.RBP,
        Registers.RBX
    };
    private static final int[] INDEX_16 = {
        Registers.RSI,
        Registers.RDI,
        Registers.RSI,
        Registers.RDI,
        Registers.NONE,
        Registers.NONE,
        Registers.NONE,
        Registers.NONE
    };

    private final IntToLongFunction numbers;

    int base;
    int index;
    int scale;
    /** Sign-extended. */
    long displacement;
    /** The number of the segment register, if no prefix says another. */
    int defaultSegment;
    /** Whether the displacement counts from the end of the instruction. */
    boolean ripRelative;

    /**
     * Creates one that is decoded again and again.
     *
     * @param numbers reads the next bytes, as many as asked for, as a number with a sign
     */
    EffectiveAddress(IntToLongFunction numbers) {
        this.numbers = numbers;
    }

    /**
     * Decodes what comes after ModRM.
     *
     * @param modRm not that of a register
     * @param rex the REX prefix or 0
     * @param addressSize bytes: 2, 4 or 8
     * @param is64 whether it is 64-bit code
     */
    void decode(int modRm, int rex, int addressSize, boolean is64) {
        int mod = modRm >> 6;
        int rm = modRm & 7;
        index = Registers.NONE;
        scale = 0;
        if (addressSize == 2) {
            decode16(mod, rm);
        } else {
            decodeWide(mod, rm, rex, is64);
        }
    }

    private void decode16(int mod, int rm) {
        base = BASE_16[rm];
        index = INDEX_16[rm];
        if (mod == 0 && rm == 6) {
            base = Registers.NONE;
            displacement = number(2);
        } else {
            displacement = displacement(mod, 2);
        }
        defaultSegment = base == Registers.RBP ? Cpu.SS : Cpu.DS;
    }

    /** Addresses of 32 and 64 bits. R12 needs a SIB byte as RSP does, and R13 a displacement as RBP does. */
    private void decodeWide(int mod, int rm, int rex, boolean is64) {
        int low = rm;
        if (rm == Registers.RSP) {
            int sib = (int) number(1) & 0xff;
            scale = sib >> 6;
            index = Rex.extend(rex, Rex.X, sib >> 3 & 7);
            low = sib & 7;
            if (index == Registers.RSP) {
                // No index, and so nothing to scale.
                index = Registers.NONE;
                scale = 0;
            }
        }
        if (mod == 0 && low == Registers.RBP) {
            base = Registers.NONE;
            displacement = number(4);
            ripRelative = is64 && rm == Registers.RBP;
        } else {
            base = Rex.extend(rex, Rex.B, low);
            displacement = displacement(mod, 4);
        }
        defaultSegment = base == Registers.RBP || base == Registers.RSP ? Cpu.SS : Cpu.DS;
    }

    private long displacement(int mod, int width) {
        return switch (mod) {
            case 0 -> 0;
            case 1 -> number(1);
            default -> number(width);
        };
    }

    private long number(int width) {
        return numbers.applyAsLong(width);
    }
}
