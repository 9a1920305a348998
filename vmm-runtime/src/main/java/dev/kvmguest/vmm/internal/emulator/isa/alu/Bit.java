package dev.kvmguest.vmm.internal.emulator.isa.alu;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Flag;

/**
 * Bit tests, scans and counts (Intel SDM volume 2, BT, BTS, BTR, BTC, BSF, BSR, POPCNT) of 2, 4 or 8 bytes.
 *
 * <p>What the manual leaves undefined is as Intel's processors leave it: bit tests change no flag but CF. A scan that
 * finds nothing leaves its destination as it is; PF is that of the index, or set if there is none, and CF, OF, AF and
 * SF are cleared.
 */
public final class Bit {

    /** Keeps ZF clear when the bit found is bit 0; an index doesn't reach it. */
    private static final long FOUND = 1 << 8;

    private Bit() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.BT, Bit::bt)
                .put(Mnemonic.BTS, Bit::bts)
                .put(Mnemonic.BTR, Bit::btr)
                .put(Mnemonic.BTC, Bit::btc)
                .put(Mnemonic.BSF, Bit::bsf)
                .put(Mnemonic.BSR, Bit::bsr)
                .put(Mnemonic.POPCNT, Bit::popcnt);
    }

    private static void bt(Cpu cpu, Instruction i) {
        long index = i.op1.read(cpu);
        long value = isBitString(i) ? cpu.memory.read(i.op0.segment, offset(cpu, i, index), i.width) : i.op0.read(cpu);
        cpu.eflags.setCarry((value & bit(index, i.width)) != 0);
    }

    private static void bts(Cpu cpu, Instruction i) {
        long index = i.op1.read(cpu);
        long value = readForUpdate(cpu, i, index);
        long bit = bit(index, i.width);
        write(cpu, i, index, value | bit);
        cpu.eflags.setCarry((value & bit) != 0);
    }

    private static void btr(Cpu cpu, Instruction i) {
        long index = i.op1.read(cpu);
        long value = readForUpdate(cpu, i, index);
        long bit = bit(index, i.width);
        write(cpu, i, index, value & ~bit);
        cpu.eflags.setCarry((value & bit) != 0);
    }

    private static void btc(Cpu cpu, Instruction i) {
        long index = i.op1.read(cpu);
        long value = readForUpdate(cpu, i, index);
        long bit = bit(index, i.width);
        write(cpu, i, index, value ^ bit);
        cpu.eflags.setCarry((value & bit) != 0);
    }

    private static void bsf(Cpu cpu, Instruction i) {
        long value = i.op1.read(cpu);
        scanned(cpu, i, value, Long.numberOfTrailingZeros(value));
    }

    private static void bsr(Cpu cpu, Instruction i) {
        long value = i.op1.read(cpu);
        scanned(cpu, i, value, 63 - Long.numberOfLeadingZeros(value));
    }

    private static void popcnt(Cpu cpu, Instruction i) {
        int count = Long.bitCount(i.op1.read(cpu));
        i.op0.write(cpu, count);
        cpu.eflags.setArithmetic(count == 0 ? Flag.ZF : 0);
    }

    private static void scanned(Cpu cpu, Instruction i, long value, int index) {
        if (value == 0) {
            cpu.eflags.setLogic(0, i.width);
        } else {
            i.op0.write(cpu, index);
            cpu.eflags.setLogic(index | FOUND, i.width);
        }
    }

    /** Returns whether the index, signed, may lead beyond the operand: only if it is in a register (volume 1, 3.7). */
    private static boolean isBitString(Instruction i) {
        return i.op0.isMemory() && i.op1.isRegister();
    }

    /** Returns the offset of the element of a bit string that a bit is in. */
    private static long offset(Cpu cpu, Instruction i, long index) {
        long element = Widths.signExtend(index, i.width) >> bitsShift(i.width);
        return i.op0.offset(cpu) + element * i.width & i.op0.addressMask;
    }

    private static long readForUpdate(Cpu cpu, Instruction i, long index) {
        return isBitString(i)
                ? cpu.memory.readForUpdate(i.op0.segment, offset(cpu, i, index), i.width)
                : i.op0.readForUpdate(cpu);
    }

    private static void write(Cpu cpu, Instruction i, long index, long value) {
        if (isBitString(i)) {
            cpu.memory.write(i.op0.segment, offset(cpu, i, index), i.width, value);
        } else {
            i.op0.write(cpu, value);
        }
    }

    private static long bit(long index, int width) {
        return 1L << (index & 8L * width - 1);
    }

    /** Returns the binary logarithm of the bits of a width. */
    private static int bitsShift(int width) {
        return 3 + Integer.numberOfTrailingZeros(width);
    }
}
