package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;
import java.math.BigInteger;

/** FPREM and FPREM1, FSCALE and FXTRACT: what takes numbers apart (Intel SDM volume 1, 8.3.5; volume 2). */
final class X87Remainder {

    /** A quotient with so many bits is not worked out in one step. */
    private static final int MOST_BITS_A_STEP = 64;

    private X87Remainder() {}

    static void install(OperationTable table) {
        table.put(Mnemonic.FPREM, (cpu, i) -> remainder(cpu, i, false))
                .put(Mnemonic.FPREM1, (cpu, i) -> remainder(cpu, i, true))
                .put(Mnemonic.FSCALE, X87Remainder::fscale)
                .put(Mnemonic.FXTRACT, X87Remainder::fxtract);
    }

    private static boolean isReady(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        X87Stack.notePointers(cpu, i);
        FpuState fpu = cpu.fpu;
        if (!fpu.isEmpty(0) && !fpu.isEmpty(1)) {
            return true;
        }
        if (X87Stack.underflow(fpu)) {
            X87Stack.set(fpu, 0, Real.INDEFINITE);
        }
        return false;
    }

    private static void fscale(Cpu cpu, Instruction i) {
        if (!isReady(cpu, i)) {
            return;
        }
        FpuState fpu = cpu.fpu;
        Real value = X87Stack.get(fpu, 0);
        Real power = X87Stack.get(fpu, 1);
        FloatUnit unit = X87Stack.fullUnit(fpu);
        boolean nan = X87Stack.isNan(value) || X87Stack.isNan(power);
        Real result = nan ? X87Stack.nan(unit, value, power) : unit.scale(value, power);
        if (X87Stack.accept(fpu, unit)) {
            X87Stack.set(fpu, 0, result);
        }
    }

    /**
     * Subtracts as many times the divisor as fit. If the exponents are far apart, only the quotient's highest bits are
     * dealt with, and C2 says that there is more to do.
     *
     * @param nearest whether the quotient is rounded to nearest, as IEEE 754 has it, not cut
     */
    private static void remainder(Cpu cpu, Instruction i, boolean nearest) {
        boolean ready = isReady(cpu, i);
        FpuState fpu = cpu.fpu;
        // What is invalid leaves nothing to do, and tells nothing of a quotient: C0 and C3 stay.
        fpu.setConditions(FpuState.C2, 0);
        if (!ready) {
            return;
        }
        Real a = X87Stack.get(fpu, 0);
        Real b = X87Stack.get(fpu, 1);
        FloatUnit unit = X87Stack.fullUnit(fpu);
        int conditions = 0;
        int defined = 0;
        Real result;
        if (X87Stack.isNan(a) || X87Stack.isNan(b)) {
            result = X87Stack.nan(unit, a, b);
        } else if (a.isInfinite() || b.isZero()) {
            unit.raise(FpuState.INVALID);
            result = Real.INDEFINITE;
        } else {
            unit.raise(a.denormal() || b.denormal() ? FpuState.DENORMAL : 0);
            defined = FpuState.CONDITIONS;
            if (a.isFinite() && b.isFinite() && a.exponent() >= b.exponent() - 1) {
                int distance = a.exponent() - b.exponent();
                int shift = distance < MOST_BITS_A_STEP ? 0 : distance - (distance & 31 | 32);
                BigInteger[] parts = divide(a, b, distance - shift, nearest && shift == 0);
                conditions = shift != 0 ? FpuState.C2 : quotientBits(parts[0].intValue());
                result = parts[1].signum() == 0
                        ? Real.zero(a.negative())
                        : unit.round(
                                a.negative() != parts[1].signum() < 0,
                                parts[1].abs(),
                                Math.min(b.exponent(), a.exponent()) - Long.SIZE + 1 + shift);
            } else {
                result = unit.round(a);
            }
        }
        if (X87Stack.accept(fpu, unit)) {
            X87Stack.set(fpu, 0, result);
            fpu.setConditions(defined, conditions);
        }
    }

    /**
     * Returns the quotient and the rest of magnitudes of which the first is shifted left by a distance, -1 at least.
     */
    private static BigInteger[] divide(Real a, Real b, int distance, boolean nearest) {
        BigInteger dividend = FloatUnit.magnitude(a).shiftLeft(Math.max(0, distance));
        BigInteger divisor = FloatUnit.magnitude(b).shiftLeft(Math.max(0, -distance));
        BigInteger[] parts = dividend.divideAndRemainder(divisor);
        if (nearest) {
            int half = parts[1].shiftLeft(1).compareTo(divisor);
            if (half > 0 || half == 0 && parts[0].testBit(0)) {
                parts[0] = parts[0].add(BigInteger.ONE);
                parts[1] = parts[1].subtract(divisor);
            }
        }
        return parts;
    }

    /** The quotient's three lowest bits are in C0, C3 and C1. */
    private static int quotientBits(int quotient) {
        return ((quotient & 4) != 0 ? FpuState.C0 : 0)
                | ((quotient & 2) != 0 ? FpuState.C3 : 0)
                | ((quotient & 1) != 0 ? FpuState.C1 : 0);
    }

    /** Replaces a number by its exponent, and pushes its significand, with the exponent of one. */
    private static void fxtract(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        X87Stack.notePointers(cpu, i);
        FpuState fpu = cpu.fpu;
        if (fpu.isEmpty(0)) {
            if (X87Stack.underflow(fpu)) {
                X87Stack.set(fpu, 0, Real.INDEFINITE);
                X87Stack.push(fpu, Real.INDEFINITE);
            }
            return;
        }
        if (!fpu.isEmpty(7)) {
            if (X87Stack.overflow(fpu)) {
                X87Stack.set(fpu, 0, Real.INDEFINITE);
                X87Stack.push(fpu, Real.INDEFINITE);
            }
            return;
        }
        Real value = X87Stack.get(fpu, 0);
        FloatUnit unit = X87Stack.unit(fpu);
        Real exponent = value;
        Real significand = value;
        if (X87Stack.isNan(value)) {
            exponent = X87Stack.nan(unit, value, value);
            significand = exponent;
        } else if (value.isZero()) {
            unit.raise(FpuState.ZERO_DIVIDE);
            exponent = Real.infinity(true);
        } else if (value.isInfinite()) {
            exponent = Real.infinity(false);
        } else {
            unit.raise(value.denormal() ? FpuState.DENORMAL : 0);
            exponent = Real.of(value.exponent());
            significand = new Real(Real.Kind.FINITE, value.negative(), value.significand(), 0, false);
        }
        if (X87Stack.accept(fpu, unit)) {
            X87Stack.set(fpu, 0, exponent);
            X87Stack.push(fpu, significand);
        }
    }
}
