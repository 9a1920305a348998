package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Flag;

/** Packed integers of SSE4.1, and PCMPGTQ of SSE4.2 (Intel SDM volume 1, 12.8 and 12.9; volume 2). */
public final class Sse41Integer {

    private Sse41Integer() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.PMULDQ, PackedInteger.whole((a, b) -> (long) (int) a * (int) b))
                .put(Mnemonic.PMULLD, PackedInteger.signed(32, (a, b) -> a * b))
                .put(Mnemonic.PMINSB, PackedInteger.signed(8, Math::min))
                .put(Mnemonic.PMINSD, PackedInteger.signed(32, Math::min))
                .put(Mnemonic.PMINUW, PackedInteger.unsigned(16, Math::min))
                .put(Mnemonic.PMINUD, PackedInteger.unsigned(32, Math::min))
                .put(Mnemonic.PMAXSB, PackedInteger.signed(8, Math::max))
                .put(Mnemonic.PMAXSD, PackedInteger.signed(32, Math::max))
                .put(Mnemonic.PMAXUW, PackedInteger.unsigned(16, Math::max))
                .put(Mnemonic.PMAXUD, PackedInteger.unsigned(32, Math::max))
                .put(Mnemonic.PCMPEQQ, PackedInteger.whole((a, b) -> a == b ? -1 : 0))
                .put(Mnemonic.PCMPGTQ, PackedInteger.whole((a, b) -> a > b ? -1 : 0))
                .put(Mnemonic.PACKUSDW, PackedShuffle.halving(value -> Lanes.pack(value, 32, true)))
                .put(Mnemonic.PHMINPOSUW, Sse41Integer::phminposuw)
                .put(Mnemonic.MPSADBW, Sse41Integer::mpsadbw)
                .put(Mnemonic.PTEST, Sse41Integer::ptest)
                .put(Mnemonic.PMOVSXBW, extend(8, 16, true))
                .put(Mnemonic.PMOVSXBD, extend(8, 32, true))
                .put(Mnemonic.PMOVSXBQ, extend(8, 64, true))
                .put(Mnemonic.PMOVSXWD, extend(16, 32, true))
                .put(Mnemonic.PMOVSXWQ, extend(16, 64, true))
                .put(Mnemonic.PMOVSXDQ, extend(32, 64, true))
                .put(Mnemonic.PMOVZXBW, extend(8, 16, false))
                .put(Mnemonic.PMOVZXBD, extend(8, 32, false))
                .put(Mnemonic.PMOVZXBQ, extend(8, 64, false))
                .put(Mnemonic.PMOVZXWD, extend(16, 32, false))
                .put(Mnemonic.PMOVZXWQ, extend(16, 64, false))
                .put(Mnemonic.PMOVZXDQ, extend(32, 64, false));
    }

    /** The smallest of eight unsigned words, and the number of the first that is as small. */
    private static void phminposuw(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.readAligned(cpu, i.op1);
        long smallest = 0x1_0000;
        long at = 0;
        for (int n = 0; n < 8; n++) {
            long word = Lanes.word(cpu.fpu.low, cpu.fpu.high, n);
            if (word < smallest) {
                smallest = word;
                at = n;
            }
        }
        VectorOperands.write(cpu, i.op0, smallest | at << 16, 0);
    }

    /**
     * How far four bytes of the second operand are in sum from each four neighbouring ones of the first, which begin at
     * eight places one after another.
     */
    private static void mpsadbw(Cpu cpu, Instruction i) {
        long low = PackedShuffle.readSources(cpu, i, true);
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        int from = (int) i.op2.value & 4;
        int block = 4 * ((int) i.op2.value & 3);
        long[] sums = new long[2];
        for (int n = 0; n < 8; n++) {
            long sum = 0;
            for (int k = 0; k < 4; k++) {
                sum += Math.abs(
                        Lanes.byteOf(low, high, from + n + k) - Lanes.byteOf(cpu.fpu.low, cpu.fpu.high, block + k));
            }
            sums[n / 4] |= sum << 16 * (n % 4);
        }
        PackedShuffle.setXmm(cpu, i, sums[0], sums[1]);
    }

    private static void ptest(Cpu cpu, Instruction i) {
        long low = PackedShuffle.readSources(cpu, i, true);
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        boolean common = (cpu.fpu.low & low | cpu.fpu.high & high) != 0;
        boolean beyond = (cpu.fpu.low & ~low | cpu.fpu.high & ~high) != 0;
        cpu.eflags.setArithmetic((common ? 0 : Flag.ZF) | (beyond ? 0 : Flag.CF));
    }

    /** Memory has no more than what is extended, and needs no alignment. */
    private static Operation extend(int from, int to, boolean signed) {
        int lanes = Long.SIZE / to;
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            long source = VectorOperands.readLow(cpu, i.op1);
            long low = extended(source, from, to, signed);
            VectorOperands.write(cpu, i.op0, low, extended(source >>> from * lanes, from, to, signed));
        };
    }

    private static long extended(long source, int from, int to, boolean signed) {
        long result = 0;
        for (int lane = 0; lane < Long.SIZE / to; lane++) {
            long value = source >>> from * lane << Long.SIZE - from;
            long wide = signed ? value >> Long.SIZE - from : value >>> Long.SIZE - from;
            result |= wide << Long.SIZE - to >>> Long.SIZE - to << to * lane;
        }
        return result;
    }
}
