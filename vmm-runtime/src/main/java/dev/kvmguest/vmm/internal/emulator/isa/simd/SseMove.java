package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/** SSE and SSE2 data movement, MOVD and MOVQ of MMX registers too (Intel SDM volume 2). */
public final class SseMove {

    private static final long LOW_32 = 0xffff_ffffL;

    private SseMove() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.MOVAPS, SseMove::moveAligned)
                .put(Mnemonic.MOVAPD, SseMove::moveAligned)
                .put(Mnemonic.MOVDQA, SseMove::moveAligned)
                .put(Mnemonic.MOVNTPS, SseMove::moveAligned)
                .put(Mnemonic.MOVNTPD, SseMove::moveAligned)
                .put(Mnemonic.MOVNTDQ, SseMove::moveAligned)
                .put(Mnemonic.MOVUPS, SseMove::moveUnaligned)
                .put(Mnemonic.MOVUPD, SseMove::moveUnaligned)
                .put(Mnemonic.MOVDQU, SseMove::moveUnaligned)
                .put(Mnemonic.MOVSS, SseMove::movss)
                .put(Mnemonic.MOVSD_XMM, SseMove::movsd)
                .put(Mnemonic.MOVLPS, SseMove::moveLow)
                .put(Mnemonic.MOVLPD, SseMove::moveLow)
                .put(Mnemonic.MOVHPS, SseMove::moveHigh)
                .put(Mnemonic.MOVHPD, SseMove::moveHigh)
                .put(Mnemonic.MOVHLPS, SseMove::movhlps)
                .put(Mnemonic.MOVLHPS, SseMove::movlhps)
                .put(Mnemonic.MOVD, SseMove::movd)
                .put(Mnemonic.MOVQ, SseMove::movq)
                .put(Mnemonic.MOVNTQ, SseMove::movq)
                .put(Mnemonic.MOVNTI, SseMove::movnti)
                .put(Mnemonic.MOVDQ2Q, SseMove::movdq2q)
                .put(Mnemonic.MOVQ2DQ, SseMove::movq2dq)
                .put(Mnemonic.MOVMSKPS, SseMove::movmskps)
                .put(Mnemonic.MOVMSKPD, SseMove::movmskpd)
                .put(Mnemonic.MASKMOVDQU, SseMove::maskmovdqu)
                .put(Mnemonic.MASKMOVQ, SseMove::maskmovq);
    }

    private static void moveAligned(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.readAligned(cpu, i.op1);
        VectorOperands.writeAligned(cpu, i.op0, cpu.fpu.low, cpu.fpu.high);
    }

    private static void moveUnaligned(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.read(cpu, i.op1);
        VectorOperands.write(cpu, i.op0, cpu.fpu.low, cpu.fpu.high);
    }

    /** Between registers the rest of the destination stays; a load clears it. */
    private static void movss(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long value = VectorOperands.readLow(cpu, i.op1) & LOW_32;
        if (i.op0.isMemory()) {
            i.op0.write(cpu, value);
        } else if (i.op1.isMemory()) {
            VectorOperands.write(cpu, i.op0, value, 0);
        } else {
            long[] xmm = cpu.fpu.xmm;
            xmm[2 * i.op0.number] = xmm[2 * i.op0.number] & ~LOW_32 | value;
        }
    }

    private static void movsd(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long value = VectorOperands.readLow(cpu, i.op1);
        if (i.op0.isMemory()) {
            i.op0.write(cpu, value);
        } else if (i.op1.isMemory()) {
            VectorOperands.write(cpu, i.op0, value, 0);
        } else {
            cpu.fpu.xmm[2 * i.op0.number] = value;
        }
    }

    private static void moveLow(Cpu cpu, Instruction i) {
        moveHalf(cpu, i, 0);
    }

    private static void moveHigh(Cpu cpu, Instruction i) {
        moveHalf(cpu, i, 1);
    }

    private static void moveHalf(Cpu cpu, Instruction i, int half) {
        FpuChecks.requireSse(cpu);
        if (i.op0.isMemory()) {
            i.op0.write(cpu, cpu.fpu.xmm[2 * i.op1.number + half]);
        } else {
            cpu.fpu.xmm[2 * i.op0.number + half] = i.op1.read(cpu);
        }
    }

    private static void movhlps(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        cpu.fpu.xmm[2 * i.op0.number] = cpu.fpu.xmm[2 * i.op1.number + 1];
    }

    private static void movlhps(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        cpu.fpu.xmm[2 * i.op0.number + 1] = cpu.fpu.xmm[2 * i.op1.number];
    }

    private static void movd(Cpu cpu, Instruction i) {
        moveLowest(cpu, i, LOW_32);
    }

    private static void movq(Cpu cpu, Instruction i) {
        moveLowest(cpu, i, -1);
    }

    /** Moves up to 8 bytes; the rest of an MMX or XMM register becomes 0. */
    private static void moveLowest(Cpu cpu, Instruction i, long mask) {
        boolean mmx = i.op0.kind == Operand.Kind.MMX || i.op1.kind == Operand.Kind.MMX;
        if (mmx) {
            FpuChecks.requireMmx(cpu);
        } else {
            FpuChecks.requireSse(cpu);
        }
        long value = VectorOperands.readLow(cpu, i.op1) & mask;
        switch (i.op0.kind) {
            case XMM -> VectorOperands.write(cpu, i.op0, value, 0);
            case MMX -> cpu.fpu.setMmx(i.op0.number, value);
            default -> i.op0.write(cpu, value);
        }
        if (mmx) {
            cpu.fpu.enterMmx();
        }
    }

    private static void movnti(Cpu cpu, Instruction i) {
        i.op0.write(cpu, i.op1.read(cpu));
    }

    private static void movdq2q(Cpu cpu, Instruction i) {
        FpuChecks.requireSseAndMmx(cpu);
        cpu.fpu.enterMmx();
        cpu.fpu.setMmx(i.op0.number, cpu.fpu.xmm[2 * i.op1.number]);
    }

    private static void movq2dq(Cpu cpu, Instruction i) {
        FpuChecks.requireSseAndMmx(cpu);
        cpu.fpu.enterMmx();
        VectorOperands.write(cpu, i.op0, cpu.fpu.mmx(i.op1.number), 0);
    }

    private static void movmskps(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long low = cpu.fpu.xmm[2 * i.op1.number];
        long high = cpu.fpu.xmm[2 * i.op1.number + 1];
        i.op0.write(cpu, low >>> 31 & 1 | low >>> 63 << 1 | (high >>> 31 & 1) << 2 | high >>> 63 << 3);
    }

    private static void movmskpd(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long low = cpu.fpu.xmm[2 * i.op1.number];
        long high = cpu.fpu.xmm[2 * i.op1.number + 1];
        i.op0.write(cpu, low >>> 63 | high >>> 63 << 1);
    }

    private static void maskmovdqu(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        long[] xmm = cpu.fpu.xmm;
        int data = 2 * i.op0.number;
        int mask = 2 * i.op1.number;
        checkSelected(cpu, i, 0, xmm[mask]);
        checkSelected(cpu, i, 8, xmm[mask + 1]);
        writeSelected(cpu, i, 0, xmm[data], xmm[mask]);
        writeSelected(cpu, i, 8, xmm[data + 1], xmm[mask + 1]);
    }

    private static void maskmovq(Cpu cpu, Instruction i) {
        FpuChecks.requireMmx(cpu);
        long mask = cpu.fpu.mmx(i.op1.number);
        checkSelected(cpu, i, 0, mask);
        cpu.fpu.enterMmx();
        writeSelected(cpu, i, 0, cpu.fpu.mmx(i.op0.number), mask);
    }

    private static void checkSelected(Cpu cpu, Instruction i, int start, long mask) {
        for (int n = 0; n < 8; n++) {
            if (isSelected(mask, n)) {
                cpu.memory.checkWritable(i.segment, maskedOffset(cpu, i, start + n), 1);
            }
        }
    }

    private static void writeSelected(Cpu cpu, Instruction i, int start, long data, long mask) {
        for (int n = 0; n < 8; n++) {
            if (isSelected(mask, n)) {
                cpu.memory.write8(i.segment, maskedOffset(cpu, i, start + n), data >>> 8 * n & 0xff);
            }
        }
    }

    private static boolean isSelected(long mask, int n) {
        return (mask >>> 8 * n + 7 & 1) != 0;
    }

    private static long maskedOffset(Cpu cpu, Instruction i, int n) {
        return cpu.registers.gpr[Registers.RDI] + n & i.addressMask;
    }
}
