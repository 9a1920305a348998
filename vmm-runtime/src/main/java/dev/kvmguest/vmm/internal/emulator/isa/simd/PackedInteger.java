package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * Integer and logical instructions that treat each half of an XMM register alike, and in the same way an MMX register
 * (Intel SDM volume 2; volume 1, 9.4 and 11.4).
 */
public final class PackedInteger {

    private static final long LOW_32 = 0xffff_ffffL;

    private PackedInteger() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        installArithmetic(table);
        installComparisons(table);
        installLogic(table);
        installShifts(table);
    }

    private static void installArithmetic(OperationTable table) {
        table.put(Mnemonic.PADDB, signed(8, Long::sum))
                .put(Mnemonic.PADDW, signed(16, Long::sum))
                .put(Mnemonic.PADDD, signed(32, Long::sum))
                .put(Mnemonic.PADDQ, whole(Long::sum))
                .put(Mnemonic.PADDSB, signed(8, (a, b) -> Lanes.saturate(a + b, 8)))
                .put(Mnemonic.PADDSW, signed(16, (a, b) -> Lanes.saturate(a + b, 16)))
                .put(Mnemonic.PADDUSB, unsigned(8, (a, b) -> Lanes.saturateUnsigned(a + b, 8)))
                .put(Mnemonic.PADDUSW, unsigned(16, (a, b) -> Lanes.saturateUnsigned(a + b, 16)))
                .put(Mnemonic.PSUBB, signed(8, (a, b) -> a - b))
                .put(Mnemonic.PSUBW, signed(16, (a, b) -> a - b))
                .put(Mnemonic.PSUBD, signed(32, (a, b) -> a - b))
                .put(Mnemonic.PSUBQ, whole((a, b) -> a - b))
                .put(Mnemonic.PSUBSB, signed(8, (a, b) -> Lanes.saturate(a - b, 8)))
                .put(Mnemonic.PSUBSW, signed(16, (a, b) -> Lanes.saturate(a - b, 16)))
                .put(Mnemonic.PSUBUSB, unsigned(8, (a, b) -> Lanes.saturateUnsigned(a - b, 8)))
                .put(Mnemonic.PSUBUSW, unsigned(16, (a, b) -> Lanes.saturateUnsigned(a - b, 16)))
                .put(Mnemonic.PMULLW, signed(16, (a, b) -> a * b))
                .put(Mnemonic.PMULHW, signed(16, (a, b) -> a * b >> 16))
                .put(Mnemonic.PMULHUW, unsigned(16, (a, b) -> a * b >> 16))
                .put(Mnemonic.PMULUDQ, whole((a, b) -> (a & LOW_32) * (b & LOW_32)))
                .put(Mnemonic.PMADDWD, whole(Lanes::multiplyAdd))
                .put(Mnemonic.PAVGB, unsigned(8, (a, b) -> a + b + 1 >> 1))
                .put(Mnemonic.PAVGW, unsigned(16, (a, b) -> a + b + 1 >> 1))
                .put(Mnemonic.PMAXSW, signed(16, Math::max))
                .put(Mnemonic.PMAXUB, unsigned(8, Math::max))
                .put(Mnemonic.PMINSW, signed(16, Math::min))
                .put(Mnemonic.PMINUB, unsigned(8, Math::min))
                .put(Mnemonic.PSADBW, whole(Lanes::sumOfDifferences));
    }

    private static void installComparisons(OperationTable table) {
        table.put(Mnemonic.PCMPEQB, signed(8, (a, b) -> a == b ? -1 : 0))
                .put(Mnemonic.PCMPEQW, signed(16, (a, b) -> a == b ? -1 : 0))
                .put(Mnemonic.PCMPEQD, signed(32, (a, b) -> a == b ? -1 : 0))
                .put(Mnemonic.PCMPGTB, signed(8, (a, b) -> a > b ? -1 : 0))
                .put(Mnemonic.PCMPGTW, signed(16, (a, b) -> a > b ? -1 : 0))
                .put(Mnemonic.PCMPGTD, signed(32, (a, b) -> a > b ? -1 : 0));
    }

    private static void installLogic(OperationTable table) {
        for (Mnemonic and : new Mnemonic[] {Mnemonic.PAND, Mnemonic.ANDPS, Mnemonic.ANDPD}) {
            table.put(and, whole((a, b) -> a & b));
        }
        for (Mnemonic andNot : new Mnemonic[] {Mnemonic.PANDN, Mnemonic.ANDNPS, Mnemonic.ANDNPD}) {
            table.put(andNot, whole((a, b) -> ~a & b));
        }
        for (Mnemonic or : new Mnemonic[] {Mnemonic.POR, Mnemonic.ORPS, Mnemonic.ORPD}) {
            table.put(or, whole((a, b) -> a | b));
        }
        for (Mnemonic xor : new Mnemonic[] {Mnemonic.PXOR, Mnemonic.XORPS, Mnemonic.XORPD}) {
            table.put(xor, whole((a, b) -> a ^ b));
        }
    }

    /** Counts are compared with the lane's width as unsigned numbers of 64 bits. */
    private static void installShifts(OperationTable table) {
        table.put(Mnemonic.PSLLW, shift(left(16)))
                .put(Mnemonic.PSLLD, shift(left(32)))
                .put(Mnemonic.PSLLQ, shift(left(64)))
                .put(Mnemonic.PSRLW, shift(right(16)))
                .put(Mnemonic.PSRLD, shift(right(32)))
                .put(Mnemonic.PSRLQ, shift(right(64)))
                .put(Mnemonic.PSRAW, shift(arithmeticRight(16)))
                .put(Mnemonic.PSRAD, shift(arithmeticRight(32)));
    }

    private static LongBinaryOperator left(int bits) {
        return (value, count) -> isBelow(count, bits) ? eachLane(bits, value, lane -> lane << count) : 0;
    }

    private static LongBinaryOperator right(int bits) {
        return (value, count) -> isBelow(count, bits) ? eachLane(bits, value, lane -> lane >>> count) : 0;
    }

    private static LongBinaryOperator arithmeticRight(int bits) {
        return (value, count) -> {
            long distance = isBelow(count, bits) ? count : bits - 1;
            return Lanes.signed(bits, (lane, unused) -> lane >> distance).applyAsLong(value, 0);
        };
    }

    private static boolean isBelow(long count, int bits) {
        return count >= 0 && count < bits;
    }

    private static long eachLane(int bits, long value, LongUnaryOperator operation) {
        if (bits == Long.SIZE) {
            return operation.applyAsLong(value);
        }
        return Lanes.unsigned(bits, (lane, unused) -> operation.applyAsLong(lane))
                .applyAsLong(value, 0);
    }

    /** An instruction on lanes, each sign-extended. */
    static Operation signed(int bits, LongBinaryOperator operation) {
        return whole(Lanes.signed(bits, operation));
    }

    /** An instruction on lanes, each zero-extended. */
    static Operation unsigned(int bits, LongBinaryOperator operation) {
        return whole(Lanes.unsigned(bits, operation));
    }

    /** An instruction that replaces its first operand, each 64 bits for themselves. */
    static Operation whole(LongBinaryOperator operation) {
        return (cpu, i) -> {
            FpuState fpu = cpu.fpu;
            int number = i.op0.number;
            if (i.op0.kind == Operand.Kind.MMX) {
                FpuChecks.requireMmx(cpu);
                long source = VectorOperands.readLow(cpu, i.op1);
                fpu.enterMmx();
                fpu.setMmx(number, operation.applyAsLong(fpu.mmx(number), source));
            } else {
                FpuChecks.requireSse(cpu);
                VectorOperands.readAligned(cpu, i.op1);
                fpu.xmm[2 * number] = operation.applyAsLong(fpu.xmm[2 * number], fpu.low);
                fpu.xmm[2 * number + 1] = operation.applyAsLong(fpu.xmm[2 * number + 1], fpu.high);
            }
        };
    }

    /** A shift of each lane by one count: an immediate, or the low 64 bits of the second operand. */
    private static Operation shift(LongBinaryOperator operation) {
        return (cpu, i) -> {
            FpuState fpu = cpu.fpu;
            int number = i.op0.number;
            if (i.op0.kind == Operand.Kind.MMX) {
                FpuChecks.requireMmx(cpu);
                long count = VectorOperands.readLow(cpu, i.op1);
                fpu.enterMmx();
                fpu.setMmx(number, operation.applyAsLong(fpu.mmx(number), count));
            } else {
                FpuChecks.requireSse(cpu);
                long count = xmmShiftCount(cpu, i);
                fpu.xmm[2 * number] = operation.applyAsLong(fpu.xmm[2 * number], count);
                fpu.xmm[2 * number + 1] = operation.applyAsLong(fpu.xmm[2 * number + 1], count);
            }
        };
    }

    private static long xmmShiftCount(Cpu cpu, Instruction i) {
        if (i.op1.kind == Operand.Kind.IMMEDIATE) {
            return i.op1.value;
        }
        VectorOperands.readAligned(cpu, i.op1);
        return cpu.fpu.low;
    }
}
