package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatFormat;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;

/** ROUNDPS and its like, DPPS and DPPD of SSE4.1 (Intel SDM volume 1, 12.8; volume 2). */
public final class Sse41Float {

    private static final long LOW_32 = 0xffff_ffffL;

    // The immediate of ROUNDPS and the like (volume 2, figure 4-24).
    private static final int ROUNDING = 3;
    private static final int BY_MXCSR = 1 << 2;
    private static final int NO_PRECISION_EXCEPTION = 1 << 3;

    private Sse41Float() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.ROUNDPS, packed(FloatFormat.SINGLE))
                .put(Mnemonic.ROUNDPD, packed(FloatFormat.DOUBLE))
                .put(Mnemonic.ROUNDSS, scalar(FloatFormat.SINGLE))
                .put(Mnemonic.ROUNDSD, scalar(FloatFormat.DOUBLE))
                .put(Mnemonic.DPPS, Sse41Float::dpps)
                .put(Mnemonic.DPPD, Sse41Float::dppd);
    }

    private static Operation packed(FloatFormat format) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            VectorOperands.readAligned(cpu, i.op1);
            SseFloat sse = new SseFloat(cpu);
            long low = half(sse, format, cpu.fpu.low, (int) i.op2.value);
            long high = half(sse, format, cpu.fpu.high, (int) i.op2.value);
            sse.finish();
            VectorOperands.write(cpu, i.op0, low, high);
        };
    }

    private static long half(SseFloat sse, FloatFormat format, long value, int how) {
        return format == FloatFormat.DOUBLE
                ? round(sse, format, value, how)
                : round(sse, format, value & LOW_32, how) | round(sse, format, value >>> 32, how) << 32;
    }

    private static Operation scalar(FloatFormat format) {
        long mask = format == FloatFormat.SINGLE ? LOW_32 : -1;
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            long value = VectorOperands.readLow(cpu, i.op1) & mask;
            SseFloat sse = new SseFloat(cpu);
            long result = round(sse, format, value, (int) i.op2.value);
            sse.finish();
            long[] xmm = cpu.fpu.xmm;
            xmm[2 * i.op0.number] = xmm[2 * i.op0.number] & ~mask | result;
        };
    }

    /** Rounds to an integral number. That an operand is denormal is no exception here. */
    private static long round(SseFloat sse, FloatFormat format, long bits, int how) {
        FloatUnit unit = (how & BY_MXCSR) != 0 ? sse.unit(format) : sse.unit(format, how & ROUNDING);
        Real value = sse.operand(format, bits);
        Real rounded = value.isNan() ? SseFloat.nan(unit, value, value) : unit.roundToInteger(value.withoutDenormal());
        int ignored = (how & NO_PRECISION_EXCEPTION) != 0 ? FpuState.PRECISION : 0;
        sse.note(unit.flags() & ~ignored);
        return rounded.bits(format);
    }

    /** The products are added in pairs, then the two sums (volume 2, DPPS). */
    private static void dpps(Cpu cpu, Instruction i) {
        long low = readSources(cpu, i);
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        int immediate = (int) i.op2.value;
        SseFloat products = new SseFloat(cpu);
        long[] terms = {
            product(products, immediate >> 4, FloatFormat.SINGLE, low & LOW_32, cpu.fpu.low & LOW_32),
            product(products, immediate >> 5, FloatFormat.SINGLE, low >>> 32, cpu.fpu.low >>> 32),
            product(products, immediate >> 6, FloatFormat.SINGLE, high & LOW_32, cpu.fpu.high & LOW_32),
            product(products, immediate >> 7, FloatFormat.SINGLE, high >>> 32, cpu.fpu.high >>> 32)
        };
        products.finish();
        SseFloat pairs = new SseFloat(cpu);
        long lower = sum(pairs, FloatFormat.SINGLE, terms[0], terms[1]);
        long upper = sum(pairs, FloatFormat.SINGLE, terms[2], terms[3]);
        pairs.finish();
        SseFloat whole = new SseFloat(cpu);
        long result = sum(whole, FloatFormat.SINGLE, lower, upper);
        whole.finish();
        PackedShuffle.setXmm(
                cpu,
                i,
                chosen(immediate, result) | chosen(immediate >> 1, result) << 32,
                chosen(immediate >> 2, result) | chosen(immediate >> 3, result) << 32);
    }

    private static void dppd(Cpu cpu, Instruction i) {
        long low = readSources(cpu, i);
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        int immediate = (int) i.op2.value;
        SseFloat products = new SseFloat(cpu);
        long lower = product(products, immediate >> 4, FloatFormat.DOUBLE, low, cpu.fpu.low);
        long upper = product(products, immediate >> 5, FloatFormat.DOUBLE, high, cpu.fpu.high);
        products.finish();
        SseFloat whole = new SseFloat(cpu);
        long result = sum(whole, FloatFormat.DOUBLE, lower, upper);
        whole.finish();
        PackedShuffle.setXmm(cpu, i, chosen(immediate, result), chosen(immediate >> 1, result));
    }

    private static long readSources(Cpu cpu, Instruction i) {
        return PackedShuffle.readSources(cpu, i, true);
    }

    /** Returns a product that the lowest bit of a choice asks for, else 0. */
    private static long product(SseFloat sse, int choice, FloatFormat format, long a, long b) {
        return (choice & 1) == 0 ? 0 : SseArithmetic.MULTIPLY.apply(sse, format, a, b, 0);
    }

    private static long sum(SseFloat sse, FloatFormat format, long a, long b) {
        return SseArithmetic.ADD.apply(sse, format, a, b, 0);
    }

    private static long chosen(int choice, long result) {
        return (choice & 1) == 0 ? 0 : result;
    }
}
