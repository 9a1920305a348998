package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Arctangent;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatFormat;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Logarithm;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Trigonometry;

/**
 * x87 transcendental instructions (Intel SDM volume 1, 8.3.8 to 8.3.10; volume 2 for what zeros and infinities give).
 * Results are rounded to 64 bits, whatever the precision control says.
 */
final class X87Transcendental {

    /** What is computed from ST(1) and ST(0), neither of them NaN. */
    @FunctionalInterface
    private interface Binary {
        Real apply(FloatUnit unit, Real y, Real x);
    }

    private static final Real MINUS_HALF = Real.of(FloatFormat.DOUBLE, Double.doubleToRawLongBits(-0.5));

    private X87Transcendental() {}

    static void install(OperationTable table) {
        table.put(Mnemonic.FSIN, (cpu, i) -> trigonometric(cpu, i, false))
                .put(Mnemonic.FCOS, (cpu, i) -> trigonometric(cpu, i, false))
                .put(Mnemonic.FSINCOS, (cpu, i) -> trigonometric(cpu, i, true))
                .put(Mnemonic.FPTAN, (cpu, i) -> trigonometric(cpu, i, true))
                .put(Mnemonic.F2XM1, X87Transcendental::f2xm1)
                .put(Mnemonic.FPATAN, popping(X87Transcendental::angle))
                .put(Mnemonic.FYL2X, popping(X87Transcendental::log))
                .put(Mnemonic.FYL2XP1, popping(X87Transcendental::logOfOnePlus));
    }

    /**
     * FSIN, FCOS, FSINCOS and FPTAN. A number that is too large stays as it is, and C2 says so.
     *
     * @param pushing whether a second result is pushed: the cosine, or 1
     */
    private static void trigonometric(Cpu cpu, Instruction i, boolean pushing) {
        FpuChecks.requireX87Ready(cpu);
        X87Stack.notePointers(cpu, i);
        FpuState fpu = cpu.fpu;
        fpu.setConditions(FpuState.C1 | FpuState.C2, 0);
        if (fpu.isEmpty(0) || pushing && !fpu.isEmpty(7)) {
            boolean masked = fpu.isEmpty(0) ? X87Stack.underflow(fpu) : X87Stack.overflow(fpu);
            if (masked) {
                replace(fpu, Real.INDEFINITE, pushing ? Real.INDEFINITE : null);
            }
            return;
        }
        Real x = X87Stack.get(fpu, 0);
        if (x.isFinite() && x.exponent() >= Trigonometry.LIMIT) {
            fpu.setConditions(FpuState.C2, FpuState.C2);
            return;
        }
        FloatUnit unit = X87Stack.fullUnit(fpu);
        Real first;
        Real second;
        if (X87Stack.isNan(x)) {
            first = X87Stack.nan(unit, x, x);
            second = first;
        } else if (x.isInfinite()) {
            unit.raise(FpuState.INVALID);
            first = Real.INDEFINITE;
            second = first;
        } else {
            unit.raise(x.denormal() ? FpuState.DENORMAL : 0);
            Trigonometry angle = x.isZero() ? null : new Trigonometry(x);
            second = i.mnemonic == Mnemonic.FSINCOS && angle != null ? angle.cosine(unit) : Real.of(1);
            // The sine comes last: C1 tells of it.
            first = first(unit, i.mnemonic, x, angle);
        }
        if (X87Stack.accept(fpu, unit)) {
            replace(fpu, first, pushing ? second : null);
        }
    }

    private static Real first(FloatUnit unit, Mnemonic mnemonic, Real x, Trigonometry angle) {
        if (angle == null) {
            return mnemonic == Mnemonic.FCOS ? Real.of(1) : x;
        }
        return switch (mnemonic) {
            case FCOS -> angle.cosine(unit);
            case FPTAN -> angle.tangent(unit);
            default -> angle.sine(unit);
        };
    }

    private static void replace(FpuState fpu, Real first, Real second) {
        X87Stack.set(fpu, 0, first);
        if (second != null) {
            X87Stack.push(fpu, second);
        }
    }

    /** What is not between -1 and 1, where the manual leaves the result undefined, stays as it is. */
    private static void f2xm1(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        X87Stack.notePointers(cpu, i);
        FpuState fpu = cpu.fpu;
        if (fpu.isEmpty(0)) {
            X87Stack.fillAfterUnderflow(fpu);
            return;
        }
        Real x = X87Stack.get(fpu, 0);
        FloatUnit unit = X87Stack.fullUnit(fpu);
        Real result = x;
        if (X87Stack.isNan(x)) {
            result = X87Stack.nan(unit, x, x);
        } else if (x.isInfinite()) {
            result = x.negative() ? Real.of(-1) : x;
        } else if (x.isFinite() && x.exponent() < 0) {
            unit.raise(x.denormal() ? FpuState.DENORMAL : 0);
            result = Logarithm.powerLessOne(unit, x);
        } else if (x.isFinite()) {
            unit.raise(FpuState.PRECISION);
            result = x.equals(Real.of(-1)) ? MINUS_HALF : x;
        }
        if (X87Stack.accept(fpu, unit)) {
            X87Stack.set(fpu, 0, result);
        }
    }

    /** An instruction whose result takes the place of ST(1) and ST(0). */
    private static Operation popping(Binary operation) {
        return (cpu, i) -> {
            FpuChecks.requireX87Ready(cpu);
            X87Stack.notePointers(cpu, i);
            FpuState fpu = cpu.fpu;
            Real result = Real.INDEFINITE;
            if (fpu.isEmpty(0) || fpu.isEmpty(1)) {
                if (!X87Stack.underflow(fpu)) {
                    return;
                }
            } else {
                Real y = X87Stack.get(fpu, 1);
                Real x = X87Stack.get(fpu, 0);
                FloatUnit unit = X87Stack.fullUnit(fpu);
                if (X87Stack.isNan(y) || X87Stack.isNan(x)) {
                    result = X87Stack.nan(unit, x, y);
                } else {
                    result = operation.apply(unit, y, x);
                }
                if (!X87Stack.accept(fpu, unit)) {
                    return;
                }
            }
            X87Stack.pop(fpu);
            X87Stack.set(fpu, 0, result);
        };
    }

    private static Real angle(FloatUnit unit, Real y, Real x) {
        noteDenormals(unit, y, x);
        if (y.isFinite() && x.isFinite()) {
            return Arctangent.angle(unit, y, x);
        }
        if (y.isInfinite()) {
            int quarters = !x.isInfinite() ? 2 : x.negative() ? 3 : 1;
            return Arctangent.quarters(unit, quarters, y.negative());
        }
        if (x.isInfinite() || y.isZero()) {
            return x.negative() ? Arctangent.quarters(unit, 4, y.negative()) : Real.zero(y.negative());
        }
        return Arctangent.quarters(unit, 2, y.negative());
    }

    private static Real log(FloatUnit unit, Real y, Real x) {
        if (x.negative() && !x.isZero()) {
            return invalid(unit);
        }
        if (x.isZero()) {
            if (y.isZero()) {
                return invalid(unit);
            }
            if (y.isFinite()) {
                unit.raise(FpuState.ZERO_DIVIDE);
            }
            return Real.infinity(!y.negative());
        }
        boolean one = x.equals(Real.of(1));
        boolean below = !x.isInfinite() && x.exponent() < 0;
        if (x.isInfinite() && y.isZero() || one && y.isInfinite()) {
            return invalid(unit);
        }
        noteDenormals(unit, y, x);
        if (x.isInfinite() || y.isInfinite()) {
            return Real.infinity(y.negative() != below);
        }
        if (one || y.isZero()) {
            return Real.zero(y.negative() != below);
        }
        return Logarithm.log(unit, y, x);
    }

    /** What is not more than -1, where the manual leaves the result undefined, is the result. */
    private static Real logOfOnePlus(FloatUnit unit, Real y, Real x) {
        if (x.isInfinite() && x.negative() || x.isZero() && y.isInfinite() || x.isInfinite() && y.isZero()) {
            return invalid(unit);
        }
        noteDenormals(unit, y, x);
        if (x.isFinite() && x.negative() && x.exponent() >= 0 && y.isFinite()) {
            unit.raise(FpuState.PRECISION);
            return x;
        }
        boolean negative = y.negative() != x.negative();
        if (x.isInfinite() || y.isInfinite()) {
            return Real.infinity(negative);
        }
        if (x.isZero() || y.isZero()) {
            return Real.zero(negative);
        }
        return Logarithm.logOfOnePlus(unit, y, x);
    }

    private static Real invalid(FloatUnit unit) {
        unit.raise(FpuState.INVALID);
        return Real.INDEFINITE;
    }

    private static void noteDenormals(FloatUnit unit, Real y, Real x) {
        unit.raise(y.denormal() || x.denormal() ? FpuState.DENORMAL : 0);
    }
}
