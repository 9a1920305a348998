package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Eflags;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatFormat;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;
import java.util.function.Predicate;

/** x87 loads, stores, constants and conditional moves (Intel SDM volume 1, 8.3.3 and 8.3.4). */
final class X87Move {

    private X87Move() {}

    static void install(OperationTable table) {
        table.put(Mnemonic.FLD, X87Move::fld)
                .put(Mnemonic.FST, X87Move::fst)
                .put(Mnemonic.FSTP, X87Move::fst)
                .put(Mnemonic.FILD, X87Move::fild)
                .put(Mnemonic.FIST, X87Move::fist)
                .put(Mnemonic.FISTP, X87Move::fist)
                .put(Mnemonic.FISTTP, X87Move::fist)
                .put(Mnemonic.FXCH, X87Move::fxch)
                .put(Mnemonic.FLDZ, constant(0, 0, 0))
                .put(Mnemonic.FLD1, constant(0x3fff, 0x8000_0000_0000_0000L, 0))
                .put(Mnemonic.FLDPI, constant(0x4000, 0xc90f_daa2_2168_c235L, -1))
                .put(Mnemonic.FLDL2T, constant(0x4000, 0xd49a_784b_cd1b_8afeL, 1))
                .put(Mnemonic.FLDL2E, constant(0x3fff, 0xb8aa_3b29_5c17_f0bcL, -1))
                .put(Mnemonic.FLDLG2, constant(0x3ffd, 0x9a20_9a84_fbcf_f799L, -1))
                .put(Mnemonic.FLDLN2, constant(0x3ffe, 0xb172_17f7_d1cf_79acL, -1))
                .put(Mnemonic.FCMOVB, conditional(Eflags::carry))
                .put(Mnemonic.FCMOVNB, conditional(flags -> !flags.carry()))
                .put(Mnemonic.FCMOVE, conditional(Eflags::zero))
                .put(Mnemonic.FCMOVNE, conditional(flags -> !flags.zero()))
                .put(Mnemonic.FCMOVBE, conditional(flags -> flags.carry() || flags.zero()))
                .put(Mnemonic.FCMOVNBE, conditional(flags -> !flags.carry() && !flags.zero()))
                .put(Mnemonic.FCMOVU, conditional(Eflags::parity))
                .put(Mnemonic.FCMOVNU, conditional(flags -> !flags.parity()));
    }

    private static void fld(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        FpuState fpu = cpu.fpu;
        if (i.op0.isMemory() && i.op0.width != TenBytes.SIZE) {
            Real value = readMemory(cpu, i.op0);
            X87Stack.notePointers(cpu, i);
            if (X87Stack.canPush(fpu)) {
                load(fpu, value);
            }
            return;
        }
        // Registers and ten bytes are copied as they are.
        int signExponent;
        long significand;
        if (i.op0.isMemory()) {
            TenBytes bytes = TenBytes.read(cpu, i.op0);
            significand = bytes.low();
            signExponent = bytes.high();
        } else {
            significand = fpu.significand(i.op0.number);
            signExponent = fpu.signExponent(i.op0.number);
        }
        X87Stack.notePointers(cpu, i);
        if (!i.op0.isMemory() && fpu.isEmpty(i.op0.number)) {
            if (X87Stack.underflow(fpu)) {
                X87Stack.push(fpu, Real.INDEFINITE);
            }
        } else if (X87Stack.canPush(fpu)) {
            fpu.setConditions(FpuState.C1, 0);
            fpu.setTop(fpu.top() - 1);
            fpu.setRegister(0, signExponent, significand);
        }
    }

    /** A denormal is pushed even if that exception isn't masked; a signaling NaN is not. */
    private static void load(FpuState fpu, Real value) {
        FloatUnit unit = X87Stack.unit(fpu);
        if (value.isInvalid()) {
            unit.raise(FpuState.INVALID);
        }
        if (X87Stack.accept(fpu, unit)) {
            fpu.raise(value.denormal() ? FpuState.DENORMAL : 0);
            X87Stack.push(fpu, value.isInvalid() ? value.quiet() : value);
        }
    }

    /** Reads a number in single or double format. */
    static Real readMemory(Cpu cpu, Operand operand) {
        return Real.of(operand.width == 4 ? FloatFormat.SINGLE : FloatFormat.DOUBLE, operand.read(cpu));
    }

    /** Reads a signed integer of 2, 4 or 8 bytes. */
    static Real readInteger(Cpu cpu, Operand operand) {
        int unused = Long.SIZE - 8 * operand.width;
        return Real.of(operand.read(cpu) << unused >> unused);
    }

    private static void fst(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        FpuState fpu = cpu.fpu;
        if (i.op0.isMemory()) {
            checkWritable(cpu, i.op0);
        }
        X87Stack.notePointers(cpu, i);
        boolean empty = fpu.isEmpty(0);
        if (empty && !X87Stack.underflow(fpu)) {
            return;
        }
        if (!i.op0.isMemory()) {
            storeRegister(fpu, i.op0.number, empty);
        } else if (i.op0.width == TenBytes.SIZE) {
            storeExtended(cpu, i.op0, empty);
        } else if (!storeRounded(cpu, i.op0, empty)) {
            return;
        }
        if (i.mnemonic == Mnemonic.FSTP) {
            X87Stack.pop(fpu);
        }
    }

    private static void checkWritable(Cpu cpu, Operand target) {
        if (target.width == TenBytes.SIZE) {
            TenBytes.checkWritable(cpu, target);
        } else {
            cpu.memory.checkWritable(target.segment, target.offset(cpu), target.width);
        }
    }

    private static void storeRegister(FpuState fpu, int target, boolean empty) {
        fpu.setConditions(FpuState.C1, 0);
        if (empty) {
            X87Stack.set(fpu, target, Real.INDEFINITE);
        } else {
            fpu.setRegister(target, fpu.signExponent(0), fpu.significand(0));
        }
    }

    private static void storeExtended(Cpu cpu, Operand target, boolean empty) {
        FpuState fpu = cpu.fpu;
        fpu.setConditions(FpuState.C1, 0);
        long significand = empty ? Real.INDEFINITE.extendedSignificand() : fpu.significand(0);
        int signExponent = empty ? Real.INDEFINITE.extendedSignExponent() : fpu.signExponent(0);
        new TenBytes(significand, signExponent).write(cpu, target);
    }

    private static boolean storeRounded(Cpu cpu, Operand target, boolean empty) {
        FpuState fpu = cpu.fpu;
        FloatFormat format = target.width == 4 ? FloatFormat.SINGLE : FloatFormat.DOUBLE;
        if (empty) {
            target.write(cpu, Real.INDEFINITE.bits(format));
            return true;
        }
        FloatUnit unit = X87Stack.storeUnit(fpu, format);
        Real value = X87Stack.get(fpu, 0);
        Real rounded = X87Stack.isNan(value) ? X87Stack.nan(unit, value, value) : unit.round(value);
        if (!X87Stack.acceptStore(fpu, unit)) {
            return false;
        }
        target.write(cpu, rounded.bits(format));
        return true;
    }

    private static void fild(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        Real value = readInteger(cpu, i.op0);
        X87Stack.notePointers(cpu, i);
        if (X87Stack.canPush(cpu.fpu)) {
            cpu.fpu.setConditions(FpuState.C1, 0);
            X87Stack.push(cpu.fpu, value);
        }
    }

    private static void fist(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        FpuState fpu = cpu.fpu;
        cpu.memory.checkWritable(i.op0.segment, i.op0.offset(cpu), i.op0.width);
        X87Stack.notePointers(cpu, i);
        int bits = 8 * i.op0.width;
        if (fpu.isEmpty(0)) {
            if (!X87Stack.underflow(fpu)) {
                return;
            }
            i.op0.write(cpu, -1L << bits - 1);
        } else {
            FloatUnit unit = i.mnemonic == Mnemonic.FISTTP ? X87Stack.truncatingUnit() : X87Stack.unit(fpu);
            long value = unit.toInteger(X87Stack.get(fpu, 0), bits);
            if (!X87Stack.accept(fpu, unit)) {
                return;
            }
            i.op0.write(cpu, value);
        }
        if (i.mnemonic != Mnemonic.FIST) {
            X87Stack.pop(fpu);
        }
    }

    private static void fxch(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        FpuState fpu = cpu.fpu;
        X87Stack.notePointers(cpu, i);
        int other = i.op0.number;
        fpu.setConditions(FpuState.C1, 0);
        if (fpu.isEmpty(0) || fpu.isEmpty(other)) {
            if (!X87Stack.underflow(fpu)) {
                return;
            }
            fillIfEmpty(fpu, 0);
            fillIfEmpty(fpu, other);
        }
        int signExponent = fpu.signExponent(0);
        long significand = fpu.significand(0);
        fpu.setRegister(0, fpu.signExponent(other), fpu.significand(other));
        fpu.setRegister(other, signExponent, significand);
    }

    private static void fillIfEmpty(FpuState fpu, int register) {
        if (fpu.isEmpty(register)) {
            X87Stack.set(fpu, register, Real.INDEFINITE);
        }
    }

    /**
     * Pushes a constant.
     *
     * @param significand rounded to nearest
     * @param rest on which side the exact value is: -1 if it is smaller, 1 if it is larger, 0 if it is the same
     */
    private static Operation constant(int exponent, long significand, int rest) {
        return (cpu, i) -> {
            FpuChecks.requireX87Ready(cpu);
            X87Stack.notePointers(cpu, i);
            FpuState fpu = cpu.fpu;
            if (!X87Stack.canPush(fpu)) {
                return;
            }
            int mode = fpu.control() >> 10 & 3;
            int correction = 0;
            if (rest < 0 && (mode == FloatUnit.DOWN || mode == FloatUnit.TRUNCATE)) {
                correction = -1;
            } else if (rest > 0 && mode == FloatUnit.UP) {
                correction = 1;
            }
            fpu.setConditions(FpuState.C1, 0);
            fpu.setTop(fpu.top() - 1);
            fpu.setRegister(0, exponent, significand + correction);
        };
    }

    private static Operation conditional(Predicate<Eflags> condition) {
        return (cpu, i) -> {
            FpuChecks.requireX87Ready(cpu);
            X87Stack.notePointers(cpu, i);
            FpuState fpu = cpu.fpu;
            int source = i.op1.number;
            if (fpu.isEmpty(0) || fpu.isEmpty(source)) {
                // Whether or not the condition holds.
                if (X87Stack.underflow(fpu)) {
                    X87Stack.set(fpu, 0, Real.INDEFINITE);
                }
            } else if (condition.test(cpu.eflags)) {
                fpu.setRegister(0, fpu.signExponent(source), fpu.significand(source));
            }
        };
    }
}
