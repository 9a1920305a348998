package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/** Insertion and extraction of SSE4.1, and MOVNTDQA (Intel SDM volume 1, 12.8; volume 2). */
public final class Sse41Insert {

    private static final int SINGLES = 4;

    private Sse41Insert() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.PEXTRB, extract(1))
                .put(Mnemonic.PEXTRD, extract(4))
                .put(Mnemonic.PEXTRQ, extract(8))
                .put(Mnemonic.EXTRACTPS, extract(4))
                .put(Mnemonic.PINSRB, insert(1))
                .put(Mnemonic.PINSRD, insert(4))
                .put(Mnemonic.PINSRQ, insert(8))
                .put(Mnemonic.INSERTPS, Sse41Insert::insertps)
                .put(Mnemonic.MOVNTDQA, Sse41Insert::movntdqa);
    }

    private static Operation extract(int width) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            int lane = lane(i, width);
            long half = cpu.fpu.xmm[2 * i.op1.number + lane * width / 8];
            i.op0.write(cpu, half >>> shift(lane, width) & mask(width));
        };
    }

    private static Operation insert(int width) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            long value = i.op1.read(cpu) & mask(width);
            int lane = lane(i, width);
            set(cpu, i, lane, width, value);
        };
    }

    private static int lane(Instruction i, int width) {
        return (int) i.op2.value & 16 / width - 1;
    }

    private static int shift(int lane, int width) {
        return 8 * (lane * width % 8);
    }

    private static long mask(int width) {
        return -1L >>> Long.SIZE - 8 * width;
    }

    private static void set(Cpu cpu, Instruction i, int lane, int width, long value) {
        int half = 2 * i.op0.number + lane * width / 8;
        int shift = shift(lane, width);
        cpu.fpu.xmm[half] = cpu.fpu.xmm[half] & ~(mask(width) << shift) | value << shift;
    }

    /** Memory has the single itself; of a register, an immediate says which. Others are cleared as it says. */
    private static void insertps(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        int immediate = (int) i.op2.value;
        int from = immediate >> 6;
        long value = i.op1.isMemory()
                ? i.op1.read(cpu)
                : cpu.fpu.xmm[2 * i.op1.number + from / 2] >>> shift(from, 4) & mask(4);
        set(cpu, i, immediate >> 4 & SINGLES - 1, 4, value);
        for (int lane = 0; lane < SINGLES; lane++) {
            if ((immediate >> lane & 1) != 0) {
                set(cpu, i, lane, 4, 0);
            }
        }
    }

    private static void movntdqa(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        VectorOperands.readAligned(cpu, i.op1);
        VectorOperands.write(cpu, i.op0, cpu.fpu.low, cpu.fpu.high);
    }
}
