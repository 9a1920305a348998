package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
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

/** SSE and SSE2 conversions between integers, single and double precision (Intel SDM volume 1, 11.4.1.6; volume 2). */
public final class SseConvert {

    private static final long LOW_32 = 0xffff_ffffL;
    private static final int INTEGER_BITS = 32;

    private SseConvert() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.CVTSI2SS, integerToScalar(FloatFormat.SINGLE))
                .put(Mnemonic.CVTSI2SD, integerToScalar(FloatFormat.DOUBLE))
                .put(Mnemonic.CVTSS2SI, scalarToInteger(FloatFormat.SINGLE, false))
                .put(Mnemonic.CVTTSS2SI, scalarToInteger(FloatFormat.SINGLE, true))
                .put(Mnemonic.CVTSD2SI, scalarToInteger(FloatFormat.DOUBLE, false))
                .put(Mnemonic.CVTTSD2SI, scalarToInteger(FloatFormat.DOUBLE, true))
                .put(Mnemonic.CVTSS2SD, SseConvert::cvtss2sd)
                .put(Mnemonic.CVTSD2SS, SseConvert::cvtsd2ss)
                .put(Mnemonic.CVTPS2PD, SseConvert::cvtps2pd)
                .put(Mnemonic.CVTPD2PS, SseConvert::cvtpd2ps)
                .put(Mnemonic.CVTDQ2PS, SseConvert::cvtdq2ps)
                .put(Mnemonic.CVTDQ2PD, SseConvert::cvtdq2pd)
                .put(Mnemonic.CVTPS2DQ, singlesToIntegers(false))
                .put(Mnemonic.CVTTPS2DQ, singlesToIntegers(true))
                .put(Mnemonic.CVTPD2DQ, doublesToIntegers(false))
                .put(Mnemonic.CVTTPD2DQ, doublesToIntegers(true))
                .put(Mnemonic.CVTPI2PS, SseConvert::cvtpi2ps)
                .put(Mnemonic.CVTPI2PD, SseConvert::cvtpi2pd)
                .put(Mnemonic.CVTPS2PI, singlesToMmx(false))
                .put(Mnemonic.CVTTPS2PI, singlesToMmx(true))
                .put(Mnemonic.CVTPD2PI, doublesToMmx(false))
                .put(Mnemonic.CVTTPD2PI, doublesToMmx(true));
    }

    private static long fromInteger(SseFloat sse, FloatFormat format, long value) {
        FloatUnit unit = sse.unit(format);
        return sse.result(format, unit, unit.round(Real.of(value)));
    }

    /** Converts to a packed integer of 32 bits. */
    private static long toInteger(SseFloat sse, FloatFormat format, long bits, boolean truncate) {
        return toInteger(sse, format, bits, truncate, INTEGER_BITS) & LOW_32;
    }

    private static long toInteger(SseFloat sse, FloatFormat format, long bits, boolean truncate, int integerBits) {
        FloatUnit unit = truncate ? sse.unit(format, FloatUnit.TRUNCATE) : sse.unit(format);
        long value = unit.toInteger(sse.operand(format, bits), integerBits);
        sse.note(unit);
        return value;
    }

    private static long convert(SseFloat sse, FloatFormat from, FloatFormat to, long bits) {
        Real value = sse.operand(from, bits);
        FloatUnit unit = sse.unit(to);
        if (value.denormal()) {
            unit.raise(FpuState.DENORMAL);
        }
        return sse.result(to, unit, value.isNan() ? SseFloat.nan(unit, value, value) : unit.round(value));
    }

    /** Two singles of 64 bits, as two integers. */
    private static long singlesToIntegers(SseFloat sse, long bits, boolean truncate) {
        return toInteger(sse, FloatFormat.SINGLE, bits & LOW_32, truncate)
                | toInteger(sse, FloatFormat.SINGLE, bits >>> 32, truncate) << 32;
    }

    /** The doubles in the state's halves, as two integers. */
    private static long doublesToIntegers(SseFloat sse, FpuState fpu, boolean truncate) {
        return toInteger(sse, FloatFormat.DOUBLE, fpu.low, truncate)
                | toInteger(sse, FloatFormat.DOUBLE, fpu.high, truncate) << 32;
    }

    private static long integersToSingles(SseFloat sse, long integers) {
        return fromInteger(sse, FloatFormat.SINGLE, (int) integers)
                | fromInteger(sse, FloatFormat.SINGLE, (int) (integers >>> 32)) << 32;
    }

    private static Operation integerToScalar(FloatFormat format) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            long value = i.op1.read(cpu);
            SseFloat sse = new SseFloat(cpu);
            long result = fromInteger(sse, format, i.op1.width == Long.BYTES ? value : (int) value);
            sse.finish();
            setLowest(cpu, i, format, result);
        };
    }

    private static Operation scalarToInteger(FloatFormat format, boolean truncate) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            SseFloat sse = new SseFloat(cpu);
            long bits = VectorOperands.readLow(cpu, i.op1);
            long value = toInteger(sse, format, bits, truncate, i.op0.width * Byte.SIZE);
            sse.finish();
            i.op0.write(cpu, value);
        };
    }

    private static void cvtss2sd(Cpu cpu, Instruction i) {
        convertScalar(cpu, i, FloatFormat.SINGLE, FloatFormat.DOUBLE);
    }

    private static void cvtsd2ss(Cpu cpu, Instruction i) {
        convertScalar(cpu, i, FloatFormat.DOUBLE, FloatFormat.SINGLE);
    }

    private static void convertScalar(Cpu cpu, Instruction i, FloatFormat from, FloatFormat to) {
        FpuChecks.requireSse(cpu);
        SseFloat sse = new SseFloat(cpu);
        long result = convert(sse, from, to, VectorOperands.readLow(cpu, i.op1));
        sse.finish();
        setLowest(cpu, i, to, result);
    }

    private static void cvtps2pd(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long bits = VectorOperands.readLow(cpu, i.op1);
        SseFloat sse = new SseFloat(cpu);
        long low = convert(sse, FloatFormat.SINGLE, FloatFormat.DOUBLE, bits & LOW_32);
        long high = convert(sse, FloatFormat.SINGLE, FloatFormat.DOUBLE, bits >>> 32);
        sse.finish();
        VectorOperands.write(cpu, i.op0, low, high);
    }

    private static void cvtpd2ps(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.readAligned(cpu, i.op1);
        SseFloat sse = new SseFloat(cpu);
        long low = convert(sse, FloatFormat.DOUBLE, FloatFormat.SINGLE, cpu.fpu.low);
        long high = convert(sse, FloatFormat.DOUBLE, FloatFormat.SINGLE, cpu.fpu.high);
        sse.finish();
        VectorOperands.write(cpu, i.op0, low | high << 32, 0);
    }

    private static void cvtdq2ps(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.readAligned(cpu, i.op1);
        SseFloat sse = new SseFloat(cpu);
        long low = integersToSingles(sse, cpu.fpu.low);
        long high = integersToSingles(sse, cpu.fpu.high);
        sse.finish();
        VectorOperands.write(cpu, i.op0, low, high);
    }

    private static void cvtdq2pd(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        writeDoubles(cpu, i, VectorOperands.readLow(cpu, i.op1));
    }

    /** Every 32-bit integer is a double: nothing can be raised. */
    private static void writeDoubles(Cpu cpu, Instruction i, long integers) {
        long low = Double.doubleToRawLongBits((int) integers);
        VectorOperands.write(cpu, i.op0, low, Double.doubleToRawLongBits((int) (integers >>> 32)));
    }

    private static Operation singlesToIntegers(boolean truncate) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            VectorOperands.readAligned(cpu, i.op1);
            SseFloat sse = new SseFloat(cpu);
            long low = singlesToIntegers(sse, cpu.fpu.low, truncate);
            long high = singlesToIntegers(sse, cpu.fpu.high, truncate);
            sse.finish();
            VectorOperands.write(cpu, i.op0, low, high);
        };
    }

    private static Operation doublesToIntegers(boolean truncate) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            VectorOperands.readAligned(cpu, i.op1);
            SseFloat sse = new SseFloat(cpu);
            long integers = doublesToIntegers(sse, cpu.fpu, truncate);
            sse.finish();
            VectorOperands.write(cpu, i.op0, integers, 0);
        };
    }

    private static void cvtpi2ps(Cpu cpu, Instruction i) {
        requireSseAndMmxRegister(cpu, i.op1);
        long integers = VectorOperands.readLow(cpu, i.op1);
        SseFloat sse = new SseFloat(cpu);
        long singles = integersToSingles(sse, integers);
        sse.finish();
        enterMmxFor(cpu, i.op1);
        cpu.fpu.xmm[2 * i.op0.number] = singles;
    }

    private static void cvtpi2pd(Cpu cpu, Instruction i) {
        requireSseAndMmxRegister(cpu, i.op1);
        long integers = VectorOperands.readLow(cpu, i.op1);
        enterMmxFor(cpu, i.op1);
        writeDoubles(cpu, i, integers);
    }

    /** With a memory operand, CVTPI2PS and CVTPI2PD have nothing to do with MMX. */
    private static void requireSseAndMmxRegister(Cpu cpu, Operand source) {
        if (source.isMemory()) {
            FpuChecks.requireSse(cpu);
        } else {
            FpuChecks.requireSseAndMmx(cpu);
        }
    }

    private static void enterMmxFor(Cpu cpu, Operand source) {
        if (!source.isMemory()) {
            cpu.fpu.enterMmx();
        }
    }

    private static Operation singlesToMmx(boolean truncate) {
        return (cpu, i) -> {
            FpuChecks.requireSseAndMmx(cpu);
            long singles = VectorOperands.readLow(cpu, i.op1);
            SseFloat sse = new SseFloat(cpu);
            setMmx(cpu, i, sse, singlesToIntegers(sse, singles, truncate));
        };
    }

    private static Operation doublesToMmx(boolean truncate) {
        return (cpu, i) -> {
            FpuChecks.requireSseAndMmx(cpu);
            VectorOperands.readAligned(cpu, i.op1);
            SseFloat sse = new SseFloat(cpu);
            setMmx(cpu, i, sse, doublesToIntegers(sse, cpu.fpu, truncate));
        };
    }

    private static void setMmx(Cpu cpu, Instruction i, SseFloat sse, long integers) {
        sse.finish();
        cpu.fpu.enterMmx();
        cpu.fpu.setMmx(i.op0.number, integers);
    }

    /** Sets the lowest lane of the destination; the rest stays. */
    private static void setLowest(Cpu cpu, Instruction i, FloatFormat format, long bits) {
        long mask = format == FloatFormat.SINGLE ? LOW_32 : -1;
        int number = 2 * i.op0.number;
        cpu.fpu.xmm[number] = cpu.fpu.xmm[number] & ~mask | bits & mask;
    }
}
