package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/**
 * Blends of SSE4.1: lanes of one operand or the other, by an immediate or by XMM0 (Intel SDM volume 1, 12.8; volume 2).
 */
public final class Sse41Blend {

    private static final int BYTE = 8;
    private static final int WORD = 16;
    private static final int SINGLE = 32;
    private static final int DOUBLE = 64;

    private Sse41Blend() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.PBLENDW, byImmediate(WORD))
                .put(Mnemonic.BLENDPS, byImmediate(SINGLE))
                .put(Mnemonic.BLENDPD, byImmediate(DOUBLE))
                .put(Mnemonic.PBLENDVB, bySigns(BYTE))
                .put(Mnemonic.BLENDVPS, bySigns(SINGLE))
                .put(Mnemonic.BLENDVPD, bySigns(DOUBLE));
    }

    private static Operation byImmediate(int bits) {
        int lanes = Long.SIZE / bits;
        return (cpu, i) -> {
            int choice = (int) i.op2.value;
            blend(cpu, i, selected(choice, bits), selected(choice >> lanes, bits));
        };
    }

    private static Operation bySigns(int bits) {
        return (cpu, i) -> {
            long[] xmm = cpu.fpu.xmm;
            int number = 2 * i.op2.number;
            blend(cpu, i, negative(xmm[number], bits), negative(xmm[number + 1], bits));
        };
    }

    /** Returns ones in the lanes whose bits in a choice are set. */
    private static long selected(int choice, int bits) {
        long mask = 0;
        for (int lane = 0; lane < Long.SIZE / bits; lane++) {
            if ((choice >> lane & 1) != 0) {
                mask |= -1L >>> Long.SIZE - bits << bits * lane;
            }
        }
        return mask;
    }

    /** Returns ones in the lanes whose highest bits are set. */
    private static long negative(long value, int bits) {
        return Lanes.signed(bits, (lane, unused) -> lane >> Long.SIZE - 1).applyAsLong(value, 0);
    }

    /** Takes from the second operand where the masks have ones. */
    private static void blend(Cpu cpu, Instruction i, long lowMask, long highMask) {
        long low = PackedShuffle.readSources(cpu, i, true);
        long high = cpu.fpu.xmm[2 * i.op0.number + 1];
        PackedShuffle.setXmm(
                cpu, i, low & ~lowMask | cpu.fpu.low & lowMask, high & ~highMask | cpu.fpu.high & highMask);
    }
}
