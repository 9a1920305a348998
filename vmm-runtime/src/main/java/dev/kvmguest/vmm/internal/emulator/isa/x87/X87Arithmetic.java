package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;
import java.util.function.IntUnaryOperator;

/** x87 basic arithmetic (Intel SDM volume 1, 8.3.5). */
final class X87Arithmetic {

    /** What is computed from two numbers. */
    @FunctionalInterface
    private interface Binary {
        Real apply(FloatUnit unit, Real destination, Real source);
    }

    /** What is computed from one. */
    @FunctionalInterface
    private interface Unary {
        Real apply(FloatUnit unit, Real value);
    }

    private X87Arithmetic() {}

    static void install(OperationTable table) {
        put(table, FloatUnit::add, Mnemonic.FADD, Mnemonic.FADDP, Mnemonic.FIADD);
        put(table, FloatUnit::multiply, Mnemonic.FMUL, Mnemonic.FMULP, Mnemonic.FIMUL);
        put(table, FloatUnit::subtract, Mnemonic.FSUB, Mnemonic.FSUBP, Mnemonic.FISUB);
        put(table, (unit, a, b) -> unit.subtract(b, a), Mnemonic.FSUBR, Mnemonic.FSUBRP, Mnemonic.FISUBR);
        put(table, FloatUnit::divide, Mnemonic.FDIV, Mnemonic.FDIVP, Mnemonic.FIDIV);
        put(table, (unit, a, b) -> unit.divide(b, a), Mnemonic.FDIVR, Mnemonic.FDIVRP, Mnemonic.FIDIVR);
        table.put(Mnemonic.FSQRT, unary(FloatUnit::squareRoot))
                .put(Mnemonic.FRNDINT, unary(FloatUnit::roundToInteger))
                .put(Mnemonic.FCHS, sign(word -> word ^ 0x8000))
                .put(Mnemonic.FABS, sign(word -> word & 0x7fff));
    }

    private static void put(OperationTable table, Binary operation, Mnemonic real, Mnemonic popping, Mnemonic integer) {
        table.put(real, (cpu, i) -> binary(cpu, i, operation))
                .put(popping, (cpu, i) -> {
                    if (binary(cpu, i, operation)) {
                        X87Stack.pop(cpu.fpu);
                    }
                })
                .put(integer, (cpu, i) -> binary(cpu, i, operation));
    }

    /** Returns whether there is a result. */
    private static boolean binary(Cpu cpu, Instruction i, Binary operation) {
        FpuChecks.requireX87Ready(cpu);
        FpuState fpu = cpu.fpu;
        boolean memory = i.op0.isMemory();
        Real operand = memory ? readMemory(cpu, i) : null;
        X87Stack.notePointers(cpu, i);
        int destination = memory ? 0 : i.op0.number;
        if (fpu.isEmpty(destination) || !memory && fpu.isEmpty(i.op1.number)) {
            boolean masked = X87Stack.underflow(fpu);
            if (masked) {
                X87Stack.set(fpu, destination, Real.INDEFINITE);
            }
            return masked;
        }
        Real a = X87Stack.get(fpu, destination);
        Real b = memory ? operand : X87Stack.get(fpu, i.op1.number);
        FloatUnit unit = X87Stack.unit(fpu);
        boolean nan = X87Stack.isNan(a) || X87Stack.isNan(b);
        Real result = nan ? X87Stack.nan(unit, a, b) : operation.apply(unit, a, b);
        if (!X87Stack.accept(fpu, unit)) {
            return false;
        }
        X87Stack.set(fpu, destination, result);
        return true;
    }

    static Real readMemory(Cpu cpu, Instruction i) {
        boolean integer =
                switch (i.mnemonic) {
                    case FIADD, FIMUL, FISUB, FISUBR, FIDIV, FIDIVR, FICOM, FICOMP -> true;
                    default -> false;
                };
        return integer ? X87Move.readInteger(cpu, i.op0) : X87Move.readMemory(cpu, i.op0);
    }

    private static Operation unary(Unary operation) {
        return (cpu, i) -> {
            FpuChecks.requireX87Ready(cpu);
            X87Stack.notePointers(cpu, i);
            FpuState fpu = cpu.fpu;
            if (fpu.isEmpty(0)) {
                X87Stack.fillAfterUnderflow(fpu);
                return;
            }
            Real value = X87Stack.get(fpu, 0);
            FloatUnit unit = X87Stack.unit(fpu);
            Real result = X87Stack.isNan(value) ? X87Stack.nan(unit, value, value) : operation.apply(unit, value);
            if (X87Stack.accept(fpu, unit)) {
                X87Stack.set(fpu, 0, result);
            }
        };
    }

    /** Changes the sign, of whatever is there. */
    private static Operation sign(IntUnaryOperator change) {
        return (cpu, i) -> {
            FpuChecks.requireX87Ready(cpu);
            X87Stack.notePointers(cpu, i);
            FpuState fpu = cpu.fpu;
            if (fpu.isEmpty(0)) {
                X87Stack.fillAfterUnderflow(fpu);
                return;
            }
            fpu.setRegister(0, change.applyAsInt(fpu.signExponent(0)), fpu.significand(0));
            fpu.setConditions(FpuState.C1, 0);
        };
    }
}
