package dev.kvmguest.vmm.internal.emulator.isa.alu;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/**
 * Shifts and rotations (Intel SDM volume 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD) of 1, 2, 4 or 8 bytes.
 * Counts are cut to five bits, those of 8 bytes to six; a count of 0 changes no flag, but memory is still written.
 *
 * <p>What the manual leaves undefined is as Intel's processors leave it: OF is always what a count of 1 would make it,
 * AF is cleared by shifts, and CF is 0 or the sign when a shift goes past the operand's width. SHLD and SHRD of 16 bits
 * by more than 16 go on with bits of the destination, as if it stood on the source's other side too.
 */
public final class Shift {

    private static final int COUNT_MASK = 0x1f;
    private static final int COUNT_MASK_64 = 0x3f;

    private Shift() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.SHL, Shift::shl)
                .put(Mnemonic.SHR, Shift::shr)
                .put(Mnemonic.SAR, Shift::sar)
                .put(Mnemonic.SHLD, Shift::shld)
                .put(Mnemonic.SHRD, Shift::shrd)
                .put(Mnemonic.ROL, Shift::rol)
                .put(Mnemonic.ROR, Shift::ror)
                .put(Mnemonic.RCL, Shift::rcl)
                .put(Mnemonic.RCR, Shift::rcr);
    }

    private static void shl(Cpu cpu, Instruction i) {
        long value = i.op0.readForUpdate(cpu);
        int count = count(cpu, i, i.op1);
        int bits = 8 * i.width;
        i.op0.write(cpu, value << count);
        if (count != 0) {
            long carry = count <= bits ? value >>> bits - count & 1 : 0;
            setShiftFlags(cpu, value << count, carry, signChange(value, bits), i.width);
        }
    }

    private static void shr(Cpu cpu, Instruction i) {
        long value = i.op0.readForUpdate(cpu);
        int count = count(cpu, i, i.op1);
        i.op0.write(cpu, value >>> count);
        if (count != 0) {
            setShiftFlags(cpu, value >>> count, value >>> count - 1 & 1, value >>> 8 * i.width - 1, i.width);
        }
    }

    private static void sar(Cpu cpu, Instruction i) {
        long value = Widths.signExtend(i.op0.readForUpdate(cpu), i.width);
        int count = count(cpu, i, i.op1);
        i.op0.write(cpu, value >> count);
        if (count != 0) {
            setShiftFlags(cpu, value >> count, value >> count - 1 & 1, 0, i.width);
        }
    }

    private static void shld(Cpu cpu, Instruction i) {
        long value = i.op0.readForUpdate(cpu);
        long source = i.op1.read(cpu);
        int count = count(cpu, i, i.op2);
        int bits = 8 * i.width;
        if (bits == Long.SIZE) {
            long shifted = count == 0 ? value : value << count | source >>> Long.SIZE - count;
            i.op0.write(cpu, shifted);
            if (count != 0) {
                setShiftFlags(cpu, shifted, value >>> Long.SIZE - count & 1, signChange(value, bits), i.width);
            }
            return;
        }
        long wide = bits == 32 ? value << 32 | source : value << 32 | source << 16 | value;
        long result = wide << count >>> 32;
        i.op0.write(cpu, result);
        if (count != 0) {
            setShiftFlags(cpu, result, wide >>> 32 + bits - count & 1, signChange(value, bits), i.width);
        }
    }

    private static void shrd(Cpu cpu, Instruction i) {
        long value = i.op0.readForUpdate(cpu);
        long source = i.op1.read(cpu);
        int count = count(cpu, i, i.op2);
        int bits = 8 * i.width;
        if (bits == Long.SIZE) {
            long shifted = count == 0 ? value : value >>> count | source << Long.SIZE - count;
            i.op0.write(cpu, shifted);
            if (count != 0) {
                setShiftFlags(cpu, shifted, value >>> count - 1 & 1, value >>> bits - 1 ^ source & 1, i.width);
            }
            return;
        }
        long wide = bits == 32 ? source << 32 | value : value << 32 | source << 16 | value;
        i.op0.write(cpu, wide >>> count);
        if (count != 0) {
            long overflow = value >>> bits - 1 ^ source & 1;
            setShiftFlags(cpu, wide >>> count, wide >>> count - 1 & 1, overflow, i.width);
        }
    }

    private static void rol(Cpu cpu, Instruction i) {
        long value = i.op0.readForUpdate(cpu);
        int count = count(cpu, i, i.op1);
        int bits = 8 * i.width;
        int steps = count & bits - 1;
        long result = value << steps | value >>> bits - steps;
        i.op0.write(cpu, result);
        if (count != 0) {
            setCarryAndOverflow(cpu, result & 1, signChange(value, bits));
        }
    }

    private static void ror(Cpu cpu, Instruction i) {
        long value = i.op0.readForUpdate(cpu);
        int count = count(cpu, i, i.op1);
        int bits = 8 * i.width;
        int steps = count & bits - 1;
        long result = value >>> steps | value << bits - steps;
        i.op0.write(cpu, result);
        if (count != 0) {
            setCarryAndOverflow(cpu, result >>> bits - 1 & 1, value >>> bits - 1 ^ value & 1);
        }
    }

    /** RCL rotates CF too: 8 bits and it are back after 9 steps, and no flag is changed then. */
    private static void rcl(Cpu cpu, Instruction i) {
        long value = i.op0.readForUpdate(cpu);
        int bits = 8 * i.width;
        int steps = count(cpu, i, i.op1) % (bits + 1);
        if (steps == 0) {
            i.op0.write(cpu, value);
            return;
        }
        long low = carry(cpu) << steps - 1 | (steps == 1 ? 0 : value >>> bits + 1 - steps);
        i.op0.write(cpu, value << steps | low);
        setCarryAndOverflow(cpu, value >>> bits - steps & 1, signChange(value, bits));
    }

    /** RCR rotates CF too, see {@link #rcl}. */
    private static void rcr(Cpu cpu, Instruction i) {
        long value = i.op0.readForUpdate(cpu);
        int bits = 8 * i.width;
        int steps = count(cpu, i, i.op1) % (bits + 1);
        if (steps == 0) {
            i.op0.write(cpu, value);
            return;
        }
        long carry = carry(cpu);
        long high = carry << bits - steps | (steps == 1 ? 0 : value << bits + 1 - steps);
        i.op0.write(cpu, value >>> steps | high);
        setCarryAndOverflow(cpu, value >>> steps - 1 & 1, value >>> bits - 1 ^ carry);
    }

    private static int count(Cpu cpu, Instruction i, Operand operand) {
        return (int) operand.read(cpu) & (i.width == 8 ? COUNT_MASK_64 : COUNT_MASK);
    }

    private static long carry(Cpu cpu) {
        return cpu.eflags.carry() ? 1 : 0;
    }

    /** Returns 1 if a shift to the left by one changes the sign, else 0. */
    private static long signChange(long value, int bits) {
        return (value ^ value << 1) >>> bits - 1 & 1;
    }

    /** Sets all flags after a shift; CF and OF are given as 0 or 1. */
    private static void setShiftFlags(Cpu cpu, long result, long carry, long overflow, int width) {
        int top = 8 * width - 1;
        cpu.eflags.set(result, carry << top | (carry ^ overflow) << top - 1, width);
    }

    /** Sets the flags that rotations change; both are given as 0 or 1. */
    private static void setCarryAndOverflow(Cpu cpu, long carry, long overflow) {
        cpu.eflags.setCarryAndOverflow(carry != 0, overflow != 0);
    }
}
