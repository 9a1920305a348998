package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.simd.SseArithmetic.Lane;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatFormat;

/** SSE3: arithmetic across lanes, moves that double them, and LDDQU (Intel SDM volume 1, 12.3; volume 2). */
public final class Sse3 {

    private static final long LOW_32 = 0xffff_ffffL;

    private Sse3() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.ADDSUBPS, Sse3::addsubps)
                .put(Mnemonic.ADDSUBPD, Sse3::addsubpd)
                .put(Mnemonic.HADDPS, horizontalSingles(SseArithmetic.ADD))
                .put(Mnemonic.HADDPD, horizontalDoubles(SseArithmetic.ADD))
                .put(Mnemonic.HSUBPS, horizontalSingles(SseArithmetic.SUBTRACT))
                .put(Mnemonic.HSUBPD, horizontalDoubles(SseArithmetic.SUBTRACT))
                .put(Mnemonic.MOVSLDUP, Sse3::movsldup)
                .put(Mnemonic.MOVSHDUP, Sse3::movshdup)
                .put(Mnemonic.MOVDDUP, Sse3::movddup)
                .put(Mnemonic.LDDQU, Sse3::lddqu);
    }

    private static void addsubps(Cpu cpu, Instruction i) {
        SseFloat sse = read(cpu, i);
        FpuState fpu = cpu.fpu;
        int number = 2 * i.op0.number;
        long low = subtractAndAdd(sse, fpu.xmm[number], fpu.low);
        long high = subtractAndAdd(sse, fpu.xmm[number + 1], fpu.high);
        finish(cpu, i, sse, low, high);
    }

    private static long subtractAndAdd(SseFloat sse, long a, long b) {
        return singles(single(sse, SseArithmetic.SUBTRACT, a, b), single(sse, SseArithmetic.ADD, a >>> 32, b >>> 32));
    }

    private static void addsubpd(Cpu cpu, Instruction i) {
        SseFloat sse = read(cpu, i);
        FpuState fpu = cpu.fpu;
        int number = 2 * i.op0.number;
        long low = SseArithmetic.SUBTRACT.apply(sse, FloatFormat.DOUBLE, fpu.xmm[number], fpu.low, 0);
        long high = SseArithmetic.ADD.apply(sse, FloatFormat.DOUBLE, fpu.xmm[number + 1], fpu.high, 0);
        finish(cpu, i, sse, low, high);
    }

    private static Operation horizontalSingles(Lane lane) {
        return (cpu, i) -> {
            SseFloat sse = read(cpu, i);
            FpuState fpu = cpu.fpu;
            int number = 2 * i.op0.number;
            long low = singles(neighbours(sse, lane, fpu.xmm[number]), neighbours(sse, lane, fpu.xmm[number + 1]));
            long high = singles(neighbours(sse, lane, fpu.low), neighbours(sse, lane, fpu.high));
            finish(cpu, i, sse, low, high);
        };
    }

    private static long neighbours(SseFloat sse, Lane lane, long pair) {
        return single(sse, lane, pair, pair >>> 32);
    }

    private static Operation horizontalDoubles(Lane lane) {
        return (cpu, i) -> {
            SseFloat sse = read(cpu, i);
            FpuState fpu = cpu.fpu;
            int number = 2 * i.op0.number;
            long low = lane.apply(sse, FloatFormat.DOUBLE, fpu.xmm[number], fpu.xmm[number + 1], 0);
            long high = lane.apply(sse, FloatFormat.DOUBLE, fpu.low, fpu.high, 0);
            finish(cpu, i, sse, low, high);
        };
    }

    private static long single(SseFloat sse, Lane lane, long a, long b) {
        return lane.apply(sse, FloatFormat.SINGLE, a & LOW_32, b & LOW_32, 0);
    }

    private static long singles(long low, long high) {
        return low & LOW_32 | high << 32;
    }

    private static SseFloat read(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.readAligned(cpu, i.op1);
        return new SseFloat(cpu);
    }

    private static void finish(Cpu cpu, Instruction i, SseFloat sse, long low, long high) {
        sse.finish();
        VectorOperands.write(cpu, i.op0, low, high);
    }

    private static void movsldup(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.readAligned(cpu, i.op1);
        long low = cpu.fpu.low;
        long high = cpu.fpu.high;
        VectorOperands.write(cpu, i.op0, singles(low, low), singles(high, high));
    }

    private static void movshdup(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.readAligned(cpu, i.op1);
        long low = cpu.fpu.low >>> 32;
        long high = cpu.fpu.high >>> 32;
        VectorOperands.write(cpu, i.op0, singles(low, low), singles(high, high));
    }

    private static void movddup(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long value = VectorOperands.readLow(cpu, i.op1);
        VectorOperands.write(cpu, i.op0, value, value);
    }

    private static void lddqu(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.read(cpu, i.op1);
        VectorOperands.write(cpu, i.op0, cpu.fpu.low, cpu.fpu.high);
    }
}
