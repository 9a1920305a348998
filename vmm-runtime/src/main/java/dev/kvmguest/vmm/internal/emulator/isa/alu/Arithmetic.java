package dev.kvmguest.vmm.internal.emulator.isa.alu;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/**
 * Addition, subtraction and comparing (Intel SDM volume 2, at each instruction). All of these define all six arithmetic
 * flags, but for what is said at the methods.
 *
 * <p>Nothing can fault once the operands are read: destinations are read for update.
 */
public final class Arithmetic {

    private static final long LOW_32 = 0xffff_ffffL;

    private Arithmetic() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.ADD, Arithmetic::add)
                .put(Mnemonic.ADC, Arithmetic::adc)
                .put(Mnemonic.SUB, Arithmetic::sub)
                .put(Mnemonic.SBB, Arithmetic::sbb)
                .put(Mnemonic.CMP, Arithmetic::cmp)
                .put(Mnemonic.INC, Arithmetic::inc)
                .put(Mnemonic.DEC, Arithmetic::dec)
                .put(Mnemonic.NEG, Arithmetic::neg)
                .put(Mnemonic.XADD, Arithmetic::xadd)
                .put(Mnemonic.CMPXCHG, Arithmetic::cmpxchg)
                .put(Mnemonic.CMPXCHG8B, Arithmetic::cmpxchg8b)
                .put(Mnemonic.CMPXCHG16B, Arithmetic::cmpxchg16b);
    }

    private static void add(Cpu cpu, Instruction i) {
        long a = i.op0.readForUpdate(cpu);
        long b = i.op1.read(cpu);
        long sum = a + b;
        i.op0.write(cpu, sum);
        setFlagsOfSum(cpu, a, b, sum, i.width);
    }

    private static void adc(Cpu cpu, Instruction i) {
        long a = i.op0.readForUpdate(cpu);
        long b = i.op1.read(cpu);
        long sum = a + b + (cpu.eflags.carry() ? 1 : 0);
        i.op0.write(cpu, sum);
        setFlagsOfSum(cpu, a, b, sum, i.width);
    }

    private static void sub(Cpu cpu, Instruction i) {
        long a = i.op0.readForUpdate(cpu);
        long b = i.op1.read(cpu);
        long difference = a - b;
        i.op0.write(cpu, difference);
        setFlagsOfDifference(cpu, a, b, difference, i.width);
    }

    private static void sbb(Cpu cpu, Instruction i) {
        long a = i.op0.readForUpdate(cpu);
        long b = i.op1.read(cpu);
        long difference = a - b - (cpu.eflags.carry() ? 1 : 0);
        i.op0.write(cpu, difference);
        setFlagsOfDifference(cpu, a, b, difference, i.width);
    }

    private static void cmp(Cpu cpu, Instruction i) {
        long a = i.op0.read(cpu);
        long b = i.op1.read(cpu);
        setFlagsOfDifference(cpu, a, b, a - b, i.width);
    }

    /** INC leaves CF as it is. */
    private static void inc(Cpu cpu, Instruction i) {
        long a = i.op0.readForUpdate(cpu);
        long sum = a + 1;
        i.op0.write(cpu, sum);
        cpu.eflags.setKeepingCarry(sum, a & ~sum, i.width);
    }

    /** DEC leaves CF as it is. */
    private static void dec(Cpu cpu, Instruction i) {
        long a = i.op0.readForUpdate(cpu);
        long difference = a - 1;
        i.op0.write(cpu, difference);
        cpu.eflags.setKeepingCarry(difference, ~a & difference, i.width);
    }

    private static void neg(Cpu cpu, Instruction i) {
        long a = i.op0.readForUpdate(cpu);
        i.op0.write(cpu, -a);
        setFlagsOfDifference(cpu, 0, a, -a, i.width);
    }

    private static void xadd(Cpu cpu, Instruction i) {
        Operand destination = i.op0;
        long a = destination.readForUpdate(cpu);
        long b = i.op1.read(cpu);
        long sum = a + b;
        if (destination.isMemory()) {
            // The source may be in the destination's address.
            destination.write(cpu, sum);
            i.op1.write(cpu, a);
        } else {
            // Both may be the same register: the sum stays.
            i.op1.write(cpu, a);
            destination.write(cpu, sum);
        }
        setFlagsOfSum(cpu, a, b, sum, i.width);
    }

    /**
     * CMPXCHG writes memory in any case, with what it was if that isn't the accumulator (volume 2, CMPXCHG). A register
     * with another value keeps its upper half in 64-bit mode, as on processors: it is not written.
     */
    private static void cmpxchg(Cpu cpu, Instruction i) {
        int width = i.width;
        long current = i.op0.readForUpdate(cpu);
        long expected = cpu.registers.get(Registers.RAX, width);
        if (current == expected) {
            i.op0.write(cpu, i.op1.read(cpu));
        } else {
            if (i.op0.isMemory()) {
                i.op0.write(cpu, current);
            }
            cpu.registers.set(Registers.RAX, width, current);
        }
        setFlagsOfDifference(cpu, expected, current, expected - current, width);
    }

    /** CMPXCHG8B writes its destination in any case, and changes no flag but ZF. */
    private static void cmpxchg8b(Cpu cpu, Instruction i) {
        Registers registers = cpu.registers;
        long current = i.op0.readForUpdate(cpu);
        boolean equal = current == pair(registers, Registers.RDX, Registers.RAX);
        i.op0.write(cpu, equal ? pair(registers, Registers.RCX, Registers.RBX) : current);
        if (!equal) {
            registers.set(Registers.RAX, 4, current);
            registers.set(Registers.RDX, 4, current >>> 32);
        }
        cpu.eflags.setZero(equal);
    }

    /** CMPXCHG16B does the same with 16 bytes, which must be aligned. */
    private static void cmpxchg16b(Cpu cpu, Instruction i) {
        int segment = i.op0.segment;
        long offset = i.op0.offset(cpu);
        if ((cpu.memory.linear(cpu.segments[segment], offset) & 15) != 0) {
            throw CpuFault.generalProtection().because("the operand is not on a 16-byte boundary");
        }
        long low = cpu.memory.readForUpdate(segment, offset, 8);
        long high = cpu.memory.readForUpdate(segment, offset + 8 & i.addressMask, 8);
        long[] gpr = cpu.registers.gpr;
        boolean equal = low == gpr[Registers.RAX] && high == gpr[Registers.RDX];
        cpu.memory.write64(segment, offset, equal ? gpr[Registers.RBX] : low);
        cpu.memory.write64(segment, offset + 8 & i.addressMask, equal ? gpr[Registers.RCX] : high);
        if (!equal) {
            gpr[Registers.RAX] = low;
            gpr[Registers.RDX] = high;
        }
        cpu.eflags.setZero(equal);
    }

    private static long pair(Registers registers, int high, int low) {
        return registers.gpr[high] << 32 | registers.gpr[low] & LOW_32;
    }

    private static void setFlagsOfSum(Cpu cpu, long a, long b, long sum, int width) {
        cpu.eflags.set(sum, a & b | (a | b) & ~sum, width);
    }

    private static void setFlagsOfDifference(Cpu cpu, long a, long b, long difference, int width) {
        cpu.eflags.set(difference, ~a & b | (~a | b) & difference, width);
    }
}
