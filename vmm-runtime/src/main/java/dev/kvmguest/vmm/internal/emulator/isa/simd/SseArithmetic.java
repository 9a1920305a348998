package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatFormat;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** SSE and SSE2 floating-point arithmetic and comparisons (Intel SDM volume 1, 10.4.1 and 11.4.1; volume 2). */
public final class SseArithmetic {

    /** What a lane gives. */
    @FunctionalInterface
    interface Lane {

        /**
         * Computes a lane.
         *
         * @param predicate the immediate of CMPPS and the like, else 0
         */
        long apply(SseFloat sse, FloatFormat format, long a, long b, int predicate);
    }

    /** What is computed from two numbers, neither of them NaN. */
    @FunctionalInterface
    private interface Binary {
        Real apply(FloatUnit unit, Real a, Real b);
    }

    private static final long LOW_32 = 0xffff_ffffL;

    // Comparisons that CMPPS and the like make; the next four are their opposites.
    private static final int EQUAL = 0;
    private static final int LESS = 1;
    private static final int LESS_OR_EQUAL = 2;
    private static final int OPPOSITE = 4;

    static final Lane ADD = lane(FloatUnit::add, Double::sum);
    static final Lane SUBTRACT = lane(FloatUnit::subtract, (a, b) -> a - b);
    static final Lane MULTIPLY = lane(FloatUnit::multiply, (a, b) -> a * b);

    private SseArithmetic() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        Lane divide = lane(FloatUnit::divide, (a, b) -> a / b);
        Lane root = lane((unit, a, b) -> unit.squareRoot(b), (a, b) -> Math.sqrt(b));
        Lane squareRoot = (sse, format, a, b, predicate) -> root.apply(sse, format, b, b, predicate);
        Lane smaller = extreme(-1);
        Lane larger = extreme(1);
        put(table, ADD, Mnemonic.ADDPS, Mnemonic.ADDSS, Mnemonic.ADDPD, Mnemonic.ADDSD);
        put(table, SUBTRACT, Mnemonic.SUBPS, Mnemonic.SUBSS, Mnemonic.SUBPD, Mnemonic.SUBSD);
        put(table, MULTIPLY, Mnemonic.MULPS, Mnemonic.MULSS, Mnemonic.MULPD, Mnemonic.MULSD);
        put(table, divide, Mnemonic.DIVPS, Mnemonic.DIVSS, Mnemonic.DIVPD, Mnemonic.DIVSD);
        put(table, squareRoot, Mnemonic.SQRTPS, Mnemonic.SQRTSS, Mnemonic.SQRTPD, Mnemonic.SQRTSD);
        put(table, smaller, Mnemonic.MINPS, Mnemonic.MINSS, Mnemonic.MINPD, Mnemonic.MINSD);
        put(table, larger, Mnemonic.MAXPS, Mnemonic.MAXSS, Mnemonic.MAXPD, Mnemonic.MAXSD);
        put(table, SseArithmetic::compare, Mnemonic.CMPPS, Mnemonic.CMPSS, Mnemonic.CMPPD, Mnemonic.CMPSD_XMM);
        Lane reciprocal = approximation(value -> 1 / value);
        Lane reciprocalRoot = approximation(value -> 1 / Math.sqrt(value));
        table.put(Mnemonic.RCPPS, packed(FloatFormat.SINGLE, reciprocal))
                .put(Mnemonic.RCPSS, scalar(FloatFormat.SINGLE, reciprocal))
                .put(Mnemonic.RSQRTPS, packed(FloatFormat.SINGLE, reciprocalRoot))
                .put(Mnemonic.RSQRTSS, scalar(FloatFormat.SINGLE, reciprocalRoot))
                .put(Mnemonic.COMISS, toFlags(FloatFormat.SINGLE, false))
                .put(Mnemonic.COMISD, toFlags(FloatFormat.DOUBLE, false))
                .put(Mnemonic.UCOMISS, toFlags(FloatFormat.SINGLE, true))
                .put(Mnemonic.UCOMISD, toFlags(FloatFormat.DOUBLE, true));
    }

    private static void put(
            OperationTable table, Lane lane, Mnemonic packed, Mnemonic single, Mnemonic packedDouble, Mnemonic real) {
        table.put(packed, packed(FloatFormat.SINGLE, lane))
                .put(single, scalar(FloatFormat.SINGLE, lane))
                .put(packedDouble, packed(FloatFormat.DOUBLE, lane))
                .put(real, scalar(FloatFormat.DOUBLE, lane));
    }

    private static Operation packed(FloatFormat format, Lane lane) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            VectorOperands.readAligned(cpu, i.op1);
            FpuState fpu = cpu.fpu;
            int number = 2 * i.op0.number;
            SseFloat sse = new SseFloat(cpu);
            long low = half(sse, format, lane, fpu.xmm[number], fpu.low, predicate(i));
            long high = half(sse, format, lane, fpu.xmm[number + 1], fpu.high, predicate(i));
            sse.finish();
            VectorOperands.write(cpu, i.op0, low, high);
        };
    }

    private static long half(SseFloat sse, FloatFormat format, Lane lane, long a, long b, int predicate) {
        if (format == FloatFormat.DOUBLE) {
            return lane.apply(sse, format, a, b, predicate);
        }
        long low = lane.apply(sse, format, a & LOW_32, b & LOW_32, predicate) & LOW_32;
        return low | lane.apply(sse, format, a >>> 32, b >>> 32, predicate) << 32;
    }

    /** The rest of the destination stays as it is. */
    private static Operation scalar(FloatFormat format, Lane lane) {
        long mask = format == FloatFormat.SINGLE ? LOW_32 : -1;
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            long b = VectorOperands.readLow(cpu, i.op1) & mask;
            long[] xmm = cpu.fpu.xmm;
            int number = 2 * i.op0.number;
            SseFloat sse = new SseFloat(cpu);
            long result = lane.apply(sse, format, xmm[number] & mask, b, predicate(i)) & mask;
            sse.finish();
            xmm[number] = xmm[number] & ~mask | result;
        };
    }

    private static int predicate(Instruction i) {
        return i.op2 == null ? 0 : (int) i.op2.value & 7;
    }

    /**
     * Computes by the way that knows all cases, or by Java's arithmetic where that is sure to give the same: a double
     * holds enough bits for a single result to be rounded a second time (IEEE 754 in Java Language Specification
     * 15.17).
     */
    private static Lane lane(Binary operation, DoubleBinaryOperator fast) {
        return (sse, format, a, b, predicate) -> {
            if (sse.isPlain() && isNormal(format, a) && isNormal(format, b)) {
                long result = format == FloatFormat.DOUBLE
                        ? Double.doubleToRawLongBits(
                                fast.applyAsDouble(Double.longBitsToDouble(a), Double.longBitsToDouble(b)))
                        : Float.floatToRawIntBits((float) fast.applyAsDouble(
                                        Float.intBitsToFloat((int) a), Float.intBitsToFloat((int) b)))
                                & LOW_32;
                if (isNormal(format, result)) {
                    return result;
                }
            }
            Real x = sse.operand(format, a);
            Real y = sse.operand(format, b);
            FloatUnit unit = sse.unit(format);
            boolean nan = x.isNan() || y.isNan();
            return sse.result(format, unit, nan ? SseFloat.nan(unit, x, y) : operation.apply(unit, x, y));
        };
    }

    /** Returns whether a number is finite, and so far from being a denormal that rounding hasn't kept it from that. */
    private static boolean isNormal(FloatFormat format, long bits) {
        int largest = 2 * format.maxExponent + 1;
        int exponent = (int) (bits >>> format.precision - 1) & largest;
        return exponent > 1 && exponent < largest;
    }

    /** MIN and MAX: the second operand if either is NaN, or both are zeros. */
    private static Lane extreme(int sign) {
        return (sse, format, a, b, predicate) -> {
            Real x = sse.operand(format, a);
            Real y = sse.operand(format, b);
            FloatUnit unit = sse.unit(format);
            boolean first = false;
            if (x.isNan() || y.isNan()) {
                unit.raise(FpuState.INVALID);
            } else {
                first = unit.compare(x, y) * sign > 0;
            }
            sse.note(unit);
            return (first ? x : y).bits(format);
        };
    }

    private static long compare(SseFloat sse, FloatFormat format, long a, long b, int predicate) {
        Real x = sse.operand(format, a);
        Real y = sse.operand(format, b);
        FloatUnit unit = sse.unit(format);
        int kind = predicate & OPPOSITE - 1;
        boolean holds;
        if (x.isNan() || y.isNan()) {
            boolean ordering = kind == LESS || kind == LESS_OR_EQUAL;
            if (ordering || x.isInvalid() || y.isInvalid()) {
                unit.raise(FpuState.INVALID);
            }
            holds = kind > LESS_OR_EQUAL;
        } else {
            int order = unit.compare(x, y);
            holds = switch (kind) {
                case EQUAL -> order == 0;
                case LESS -> order < 0;
                case LESS_OR_EQUAL -> order <= 0;
                default -> false;
            };
        }
        sse.note(unit);
        return holds != ((predicate & OPPOSITE) != 0) ? -1 : 0;
    }

    private static Operation toFlags(FloatFormat format, boolean quiet) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            SseFloat sse = new SseFloat(cpu);
            Real y = sse.operand(format, VectorOperands.readLow(cpu, i.op1));
            Real x = sse.operand(format, VectorOperands.readLow(cpu, i.op0));
            FloatUnit unit = sse.unit(format);
            int flags = Flag.ZF | Flag.PF | Flag.CF;
            if (x.isNan() || y.isNan()) {
                if (!quiet || x.isInvalid() || y.isInvalid()) {
                    unit.raise(FpuState.INVALID);
                }
            } else {
                int order = unit.compare(x, y);
                flags = order > 0 ? 0 : order < 0 ? Flag.CF : Flag.ZF;
            }
            sse.note(unit);
            sse.finish();
            cpu.eflags.setArithmetic(flags);
        };
    }

    /**
     * RCPPS and RSQRTPS: processors give 12 good bits and differ in the others; these are good throughout. Nothing is
     * raised, and denormals count as zeros.
     */
    private static Lane approximation(DoubleUnaryOperator operation) {
        return (sse, format, a, b, predicate) -> {
            Real value = Real.of(format, b);
            if (value.isNan()) {
                return value.quiet().bits(format);
            }
            double input = value.denormal() ? (value.negative() ? -0.0 : 0.0) : Float.intBitsToFloat((int) b);
            double output = operation.applyAsDouble(input);
            if (Double.isNaN(output)) {
                return Real.INDEFINITE.bits(format);
            }
            float rounded = (float) output;
            return Math.abs(rounded) < Float.MIN_NORMAL
                    ? Float.floatToRawIntBits(Math.copySign(0f, rounded))
                    : Float.floatToRawIntBits(rounded);
        };
    }
}
