package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import java.util.function.LongUnaryOperator;

/** Unpacks, packs, shuffles, inserts and extracts: lanes that move (Intel SDM volume 2). */
public final class PackedShuffle {

    private PackedShuffle() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.PUNPCKLBW, unpackLow(8))
                .put(Mnemonic.PUNPCKLWD, unpackLow(16))
                .put(Mnemonic.PUNPCKLDQ, unpackLow(32))
                .put(Mnemonic.UNPCKLPS, unpackLow(32))
                .put(Mnemonic.PUNPCKLQDQ, PackedShuffle::unpackLowHalves)
                .put(Mnemonic.UNPCKLPD, PackedShuffle::unpackLowHalves)
                .put(Mnemonic.PUNPCKHBW, unpackHigh(8))
                .put(Mnemonic.PUNPCKHWD, unpackHigh(16))
                .put(Mnemonic.PUNPCKHDQ, unpackHigh(32))
                .put(Mnemonic.UNPCKHPS, unpackHigh(32))
                .put(Mnemonic.PUNPCKHQDQ, PackedShuffle::unpackHighHalves)
                .put(Mnemonic.UNPCKHPD, PackedShuffle::unpackHighHalves)
                .put(Mnemonic.PACKSSWB, pack(16, false))
                .put(Mnemonic.PACKSSDW, pack(32, false))
                .put(Mnemonic.PACKUSWB, pack(16, true))
                .put(Mnemonic.PSHUFW, PackedShuffle::pshufw)
                .put(Mnemonic.PSHUFLW, PackedShuffle::pshuflw)
                .put(Mnemonic.PSHUFHW, PackedShuffle::pshufhw)
                .put(Mnemonic.PSHUFD, PackedShuffle::pshufd)
                .put(Mnemonic.SHUFPS, PackedShuffle::shufps)
                .put(Mnemonic.SHUFPD, PackedShuffle::shufpd)
                .put(Mnemonic.PSLLDQ, PackedShuffle::pslldq)
                .put(Mnemonic.PSRLDQ, PackedShuffle::psrldq)
                .put(Mnemonic.PINSRW, PackedShuffle::pinsrw)
                .put(Mnemonic.PEXTRW, PackedShuffle::pextrw)
                .put(Mnemonic.PMOVMSKB, PackedShuffle::pmovmskb);
    }

    private static Operation unpackLow(int bits) {
        return (cpu, i) -> {
            long a = readSources(cpu, i, true);
            long b = cpu.fpu.low;
            if (isMmx(i.op0)) {
                cpu.fpu.setMmx(i.op0.number, Lanes.interleaveLow(a, b, bits));
            } else {
                setXmm(cpu, i, Lanes.interleaveLow(a, b, bits), Lanes.interleaveHigh(a, b, bits));
            }
        };
    }

    private static Operation unpackHigh(int bits) {
        return (cpu, i) -> {
            long low = readSources(cpu, i, true);
            if (isMmx(i.op0)) {
                cpu.fpu.setMmx(i.op0.number, Lanes.interleaveHigh(low, cpu.fpu.low, bits));
            } else {
                long a = cpu.fpu.xmm[2 * i.op0.number + 1];
                long b = cpu.fpu.high;
                setXmm(cpu, i, Lanes.interleaveLow(a, b, bits), Lanes.interleaveHigh(a, b, bits));
            }
        };
    }

    private static void unpackLowHalves(Cpu cpu, Instruction i) {
        long low = readSources(cpu, i, true);
        setXmm(cpu, i, low, cpu.fpu.low);
    }

    private static void unpackHighHalves(Cpu cpu, Instruction i) {
        readSources(cpu, i, true);
        setXmm(cpu, i, cpu.fpu.xmm[2 * i.op0.number + 1], cpu.fpu.high);
    }

    private static Operation pack(int bits, boolean toUnsigned) {
        return halving(value -> Lanes.pack(value, bits, toUnsigned));
    }

    /**
     * An instruction that makes 32 bits of every 64, those of the first operand before those of the second.
     *
     * @param half gives the 32 bits, and zeros above them
     */
    static Operation halving(LongUnaryOperator half) {
        return (cpu, i) -> {
            long low = half.applyAsLong(readSources(cpu, i, true));
            long sourceLow = half.applyAsLong(cpu.fpu.low);
            if (isMmx(i.op0)) {
                cpu.fpu.setMmx(i.op0.number, low | sourceLow << 32);
            } else {
                long high = half.applyAsLong(cpu.fpu.xmm[2 * i.op0.number + 1]);
                long sourceHigh = half.applyAsLong(cpu.fpu.high);
                setXmm(cpu, i, low | high << 32, sourceLow | sourceHigh << 32);
            }
        };
    }

    private static void pshufw(Cpu cpu, Instruction i) {
        readSources(cpu, i, true);
        cpu.fpu.setMmx(i.op0.number, Lanes.shuffleWords(cpu.fpu.low, (int) i.op2.value));
    }

    private static void pshuflw(Cpu cpu, Instruction i) {
        readSources(cpu, i, true);
        setXmm(cpu, i, Lanes.shuffleWords(cpu.fpu.low, (int) i.op2.value), cpu.fpu.high);
    }

    private static void pshufhw(Cpu cpu, Instruction i) {
        readSources(cpu, i, true);
        setXmm(cpu, i, cpu.fpu.low, Lanes.shuffleWords(cpu.fpu.high, (int) i.op2.value));
    }

    private static void pshufd(Cpu cpu, Instruction i) {
        readSources(cpu, i, true);
        long low = cpu.fpu.low;
        long high = cpu.fpu.high;
        int order = (int) i.op2.value;
        setXmm(cpu, i, doublewords(low, high, order), doublewords(low, high, order >> 4));
    }

    private static void shufps(Cpu cpu, Instruction i) {
        long low = readSources(cpu, i, true);
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        int order = (int) i.op2.value;
        setXmm(cpu, i, doublewords(low, high, order), doublewords(cpu.fpu.low, cpu.fpu.high, order >> 4));
    }

    private static void shufpd(Cpu cpu, Instruction i) {
        long low = readSources(cpu, i, true);
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        int order = (int) i.op2.value;
        setXmm(cpu, i, (order & 1) == 0 ? low : high, (order & 2) == 0 ? cpu.fpu.low : cpu.fpu.high);
    }

    /** Picks two of four doublewords by the two lowest pairs of bits. */
    private static long doublewords(long low, long high, int order) {
        return doubleword(low, high, order & 3) | doubleword(low, high, order >> 2 & 3) << 32;
    }

    private static long doubleword(long low, long high, int number) {
        return (number < 2 ? low : high) >>> 32 * (number & 1) & 0xffff_ffffL;
    }

    /** Shifts all 16 bytes left, by bytes. */
    private static void pslldq(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long low = cpu.fpu.xmm[2 * i.op0.number];
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        int bits = (int) Math.min(i.op1.value, 16) * 8;
        long carried = bits == 0 ? 0 : shiftLeft(low, bits - 64);
        setXmm(cpu, i, shiftLeft(low, bits), shiftLeft(high, bits) | carried);
    }

    private static void psrldq(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long low = cpu.fpu.xmm[2 * i.op0.number];
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        int bits = (int) Math.min(i.op1.value, 16) * 8;
        long carried = bits == 0 ? 0 : shiftLeft(high, 64 - bits);
        setXmm(cpu, i, shiftLeft(low, -bits) | carried, shiftLeft(high, -bits));
    }

    /** Shifts by any distance, right if it is negative; what is shifted out is lost. */
    private static long shiftLeft(long value, int distance) {
        if (Math.abs(distance) >= Long.SIZE) {
            return 0;
        }
        return distance >= 0 ? value << distance : value >>> -distance;
    }

    private static void pinsrw(Cpu cpu, Instruction i) {
        requireFor(cpu, i.op0);
        long word = i.op1.read(cpu) & 0xffff;
        int lane = (int) i.op2.value & (isMmx(i.op0) ? 3 : 7);
        if (isMmx(i.op0)) {
            cpu.fpu.enterMmx();
            cpu.fpu.setMmx(i.op0.number, insert(cpu.fpu.mmx(i.op0.number), lane, word));
        } else {
            int half = 2 * i.op0.number + (lane >> 2);
            cpu.fpu.xmm[half] = insert(cpu.fpu.xmm[half], lane & 3, word);
        }
    }

    private static long insert(long value, int lane, long word) {
        return value & ~(0xffffL << 16 * lane) | word << 16 * lane;
    }

    private static void pextrw(Cpu cpu, Instruction i) {
        readSources(cpu, i, false);
        int lane = (int) i.op2.value & (isMmx(i.op1) ? 3 : 7);
        long half = lane < 4 ? cpu.fpu.low : cpu.fpu.high;
        i.op0.write(cpu, half >>> 16 * (lane & 3) & 0xffff);
    }

    private static void pmovmskb(Cpu cpu, Instruction i) {
        readSources(cpu, i, false);
        int signs = Lanes.byteSigns(cpu.fpu.low);
        i.op0.write(cpu, isMmx(i.op1) ? signs : signs | Lanes.byteSigns(cpu.fpu.high) << 8);
    }

    /**
     * Checks, and reads the second operand into the state's halves.
     *
     * @param vectorFirst whether the first operand is an MMX or XMM register
     * @return the first operand, its low half if it is an XMM register; 0 if it is a general register
     */
    static long readSources(Cpu cpu, Instruction i, boolean vectorFirst) {
        Operand vector = vectorFirst ? i.op0 : i.op1;
        requireFor(cpu, vector);
        if (isMmx(vector)) {
            cpu.fpu.low = VectorOperands.readLow(cpu, i.op1);
            cpu.fpu.enterMmx();
        } else {
            VectorOperands.readAligned(cpu, i.op1);
        }
        return vectorFirst ? VectorOperands.readLow(cpu, i.op0) : 0;
    }

    private static void requireFor(Cpu cpu, Operand operand) {
        if (isMmx(operand)) {
            FpuChecks.requireMmx(cpu);
        } else {
            FpuChecks.requireSse(cpu);
        }
    }

    static boolean isMmx(Operand operand) {
        return operand.kind == Operand.Kind.MMX;
    }

    static void setXmm(Cpu cpu, Instruction i, long low, long high) {
        cpu.fpu.xmm[2 * i.op0.number] = low;
        cpu.fpu.xmm[2 * i.op0.number + 1] = high;
    }
}
