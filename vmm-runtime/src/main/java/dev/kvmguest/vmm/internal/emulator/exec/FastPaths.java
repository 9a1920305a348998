package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;

/**
 * Fast paths for the most common instructions in their most common form: 32-bit registers and immediates. Each does
 * what the operation of its family does. That one handles every form; this one is there for speed. Those of 64 bits are
 * {@link FastPaths64}.
 */
public final class FastPaths {

    private static final long LOW_32 = 0xffff_ffffL;
    private static final int WIDTH = 4;

    private FastPaths() {}

    /** Returns the fast path of an instruction, or null if it has none. */
    public static Operation of(Instruction i) {
        if (i.op0 == null || i.lock) {
            return null;
        }
        if (i.op0.kind == Operand.Kind.RELATIVE) {
            return AddressPolicy.isCanonical(i.op0.value) ? jump(i.mnemonic) : null;
        }
        if (i.op0.width == FastPaths64.WIDTH) {
            return FastPaths64.of(i);
        }
        if (i.op0.width != WIDTH) {
            return null;
        }
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
                case MOV -> FastPaths::load;
                case LEA -> FastPaths::lea;
                default -> null;
            };
        }
        return i.mnemonic == Mnemonic.MOV && i.op0.isMemory() && i.op1.isRegister() ? FastPaths::store : null;
    }

    private static Operation ofRegister(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case INC -> FastPaths::inc;
            case DEC -> FastPaths::dec;
            default -> null;
        };
    }

    private static Operation ofRegisters(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case MOV -> FastPaths::mov;
            case ADD -> FastPaths::add;
            case SUB -> FastPaths::sub;
            case CMP -> FastPaths::cmp;
            case AND -> FastPaths::and;
            case OR -> FastPaths::or;
            case XOR -> FastPaths::xor;
            case TEST -> FastPaths::test;
            default -> null;
        };
    }

    private static Operation ofRegisterAndNumber(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case MOV -> FastPaths::movNumber;
            case ADD -> FastPaths::addNumber;
            case SUB -> FastPaths::subNumber;
            case CMP -> FastPaths::cmpNumber;
            case AND -> FastPaths::andNumber;
            case TEST -> FastPaths::testNumber;
            default -> null;
        };
    }

    private static Operation jump(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case JMP -> FastPaths::jmp;
            case JE -> FastPaths::je;
            case JNE -> FastPaths::jne;
            case JB -> FastPaths::jb;
            case JAE -> FastPaths::jae;
            case JBE -> FastPaths::jbe;
            case JA -> FastPaths::ja;
            case JL -> FastPaths::jl;
            case JGE -> FastPaths::jge;
            case JLE -> FastPaths::jle;
            case JG -> FastPaths::jg;
            case JS -> FastPaths::js;
            case JNS -> FastPaths::jns;
            default -> null;
        };
    }

    private static void mov(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = cpu.registers.gpr[i.register1] & LOW_32;
    }

    private static void movNumber(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = i.number1;
    }

    private static void load(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = cpu.memory.read32(i.op1.segment, i.op1.offset(cpu));
    }

    private static void store(Cpu cpu, Instruction i) {
        cpu.memory.write32(i.op0.segment, i.op0.offset(cpu), cpu.registers.gpr[i.register1]);
    }

    private static void lea(Cpu cpu, Instruction i) {
        cpu.registers.gpr[i.register0] = i.op1.offset(cpu) & LOW_32;
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
        gpr[i.register0] = sum & LOW_32;
        cpu.eflags.set32(sum, a & b | (a | b) & ~sum);
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
        cpu.eflags.set32(difference, ~a & b | (~a | b) & difference);
        return difference & LOW_32;
    }

    private static void inc(Cpu cpu, Instruction i) {
        long[] gpr = cpu.registers.gpr;
        long a = gpr[i.register0];
        long sum = a + 1;
        gpr[i.register0] = sum & LOW_32;
        cpu.eflags.setKeepingCarry(sum, a & ~sum, WIDTH);
    }

    private static void dec(Cpu cpu, Instruction i) {
        long[] gpr = cpu.registers.gpr;
        long a = gpr[i.register0];
        long difference = a - 1;
        gpr[i.register0] = difference & LOW_32;
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
        cpu.registers.gpr[i.register0] = result & LOW_32;
        cpu.eflags.set32(result, 0);
    }

    private static void test(Cpu cpu, Instruction i) {
        cpu.eflags.set32(cpu.registers.gpr[i.register0] & cpu.registers.gpr[i.register1], 0);
    }

    private static void testNumber(Cpu cpu, Instruction i) {
        cpu.eflags.set32(cpu.registers.gpr[i.register0] & i.number1, 0);
    }

    private static void jmp(Cpu cpu, Instruction i) {
        jump(cpu, i, true);
    }

    private static void je(Cpu cpu, Instruction i) {
        jump(cpu, i, cpu.eflags.zero());
    }

    private static void jne(Cpu cpu, Instruction i) {
        jump(cpu, i, !cpu.eflags.zero());
    }

    private static void jb(Cpu cpu, Instruction i) {
        jump(cpu, i, cpu.eflags.carry());
    }

    private static void jae(Cpu cpu, Instruction i) {
        jump(cpu, i, !cpu.eflags.carry());
    }

    private static void jbe(Cpu cpu, Instruction i) {
        jump(cpu, i, cpu.eflags.carry() || cpu.eflags.zero());
    }

    private static void ja(Cpu cpu, Instruction i) {
        jump(cpu, i, !(cpu.eflags.carry() || cpu.eflags.zero()));
    }

    private static void jl(Cpu cpu, Instruction i) {
        jump(cpu, i, cpu.eflags.sign() != cpu.eflags.overflow());
    }

    private static void jge(Cpu cpu, Instruction i) {
        jump(cpu, i, cpu.eflags.sign() == cpu.eflags.overflow());
    }

    private static void jle(Cpu cpu, Instruction i) {
        jump(cpu, i, cpu.eflags.zero() || cpu.eflags.sign() != cpu.eflags.overflow());
    }

    private static void jg(Cpu cpu, Instruction i) {
        jump(cpu, i, !cpu.eflags.zero() && cpu.eflags.sign() == cpu.eflags.overflow());
    }

    private static void js(Cpu cpu, Instruction i) {
        jump(cpu, i, cpu.eflags.sign());
    }

    private static void jns(Cpu cpu, Instruction i) {
        jump(cpu, i, !cpu.eflags.sign());
    }

    private static void jump(Cpu cpu, Instruction i, boolean taken) {
        if (taken) {
            if (i.number0 > cpu.codeLimit()) {
                throw CpuFault.generalProtection();
            }
            cpu.eip = i.number0;
        }
    }
}
