package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;

/** {@link FastPaths} of 64-bit registers and immediates. */
final class FastPaths64 {

    static final int WIDTH = 8;

    private FastPaths64() {}

    /** Returns the fast path of an instruction whose first operand has 64 bits, or null if it has none. */
    static Operation of(Instruction i) {
        if (i.op1 == null) {
            return i.op0.isRegister() ? ofRegister(i.mnemonic) : null;
        }
        if (i.op0.isRegister() && i.op1.isRegister() && i.op1.width == WIDTH) {
            return ofRegisters(i.mnemonic);
        }
        if (i.op0.isRegister() && i.op1.kind == Operand.Kind.IMMEDIATE && i.op1.width == WIDTH) {
            return ofRegisterAndNumber(i.mnemonic);
        }
        if (i.op0.isRegister() && i.op1.isMemory()) {
            return switch (i.mnemonic) {
                case MOV -> FastPaths64::load;
                case LEA -> FastPaths64::lea;
                default -> null;
            };
        }
        return i.mnemonic == Mnemonic.MOV && i.op0.isMemory() && i.op1.isRegister() ? FastPaths64::store : null;
    }

    private static Operation ofRegister(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case INC -> FastPaths64::inc;
            case DEC -> FastPaths64::dec;
            default -> null;
        };
    }

    private static Operation ofRegisters(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case MOV -> FastPaths64::mov;
            case ADD -> FastPaths64::add;
            case SUB -> FastPaths64::sub;
            case CMP -> FastPaths64::cmp;
            case AND -> FastPaths64::and;
            case OR -> FastPaths64::or;
            case XOR -> FastPaths64::xor;
            case TEST -> FastPaths64::test;
            default -> null;
        };
    }

    private static Operation ofRegisterAndNumber(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case MOV -> FastPaths64::movNumber;
            case ADD -> FastPaths64::addNumber;
            case SUB -> FastPaths64::subNumber;
            case CMP -> FastPaths64::cmpNumber;
            case AND -> FastPaths64::andNumber;
            case TEST -> FastPaths64::testNumber;
            default -> null;
        };
    }

    private static void mov(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = cpu.registers.gpr[i.register1];
    }

    private static void movNumber(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = i.number1;
    }

    private static void load(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = cpu.memory.read64(i.op1.segment, i.op1.offset(cpu));
    }

    private static void store(Cpu cpu, Instruction i) {
        cpu.memory.write64(i.op0.segment, i.op0.offset(cpu), cpu.registers.gpr[i.register1]);
    }

    private static void lea(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = i.op1.offset(cpu);
    }

    private static void add(Cpu cpu, Instruction i) {
        add(cpu, i, cpu.registers.gpr[i.register1]);
    }

    private static void addNumber(Cpu cpu, Instruction i) {
        add(cpu, i, i.number1);
    }

    private static void add(Cpu cpu, Instruction i, long b) {
        long[] gpr = cpu.registers.gpr;
        long a = gpr[i.register0];
        long sum = a + b;
        gpr[i.register0] = sum;
        cpu.eflags.set64(sum, a & b | (a | b) & ~sum);
    }

    private static void sub(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = subtract(cpu, i, cpu.registers.gpr[i.register1]);
    }

    private static void subNumber(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = subtract(cpu, i, i.number1);
    }

    private static void cmp(Cpu cpu, Instruction i) {
        subtract(cpu, i, cpu.registers.gpr[i.register1]);
    }

    private static void cmpNumber(Cpu cpu, Instruction i) {
        subtract(cpu, i, i.number1);
    }

    private static long subtract(Cpu cpu, Instruction i, long b) {
        long a = cpu.registers.gpr[i.register0];
        long difference = a - b;
        cpu.eflags.set64(difference, ~a & b | (~a | b) & difference);
        return difference;
    }

    private static void inc(Cpu cpu, Instruction i) {
        long[] gpr = cpu.registers.gpr;
        long a = gpr[i.register0];
        long sum = a + 1;
        gpr[i.register0] = sum;
        cpu.eflags.setKeepingCarry(sum, a & ~sum, WIDTH);
    }

    private static void dec(Cpu cpu, Instruction i) {
        long[] gpr = cpu.registers.gpr;
        long a = gpr[i.register0];
        long difference = a - 1;
        gpr[i.register0] = difference;
        cpu.eflags.setKeepingCarry(difference, ~a & difference, WIDTH);
    }

    private static void and(Cpu cpu, Instruction i) {
        setLogic(cpu, i, cpu.registers.gpr[i.register0] & cpu.registers.gpr[i.register1]);
    }

    private static void andNumber(Cpu cpu, Instruction i) {
        setLogic(cpu, i, cpu.registers.gpr[i.register0] & i.number1);
    }

    private static void or(Cpu cpu, Instruction i) {
        setLogic(cpu, i, cpu.registers.gpr[i.register0] | cpu.registers.gpr[i.register1]);
    }

    private static void xor(Cpu cpu, Instruction i) {
        setLogic(cpu, i, cpu.registers.gpr[i.register0] ^ cpu.registers.gpr[i.register1]);
    }

    private static void setLogic(Cpu cpu, Instruction i, long result) {
        cpu.registers.gpr[i.register0] = result;
        cpu.eflags.set64(result, 0);
    }

    private static void test(Cpu cpu, Instruction i) {
        cpu.eflags.set64(cpu.registers.gpr[i.register0] & cpu.registers.gpr[i.register1], 0);
    }

    private static void testNumber(Cpu cpu, Instruction i) {
        cpu.eflags.set64(cpu.registers.gpr[i.register0] & i.number1, 0);
    }
}
