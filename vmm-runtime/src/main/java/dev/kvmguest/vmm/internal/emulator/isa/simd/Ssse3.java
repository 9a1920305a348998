package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/**
 * SSSE3: integers across lanes, and shuffles of bytes, for MMX and XMM registers (Intel SDM volume 1, 12.6; volume 2).
 */
public final class Ssse3 {

    private Ssse3() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.PHADDW, PackedShuffle.halving(value -> Lanes.neighbours(value, 16, Long::sum)))
                .put(Mnemonic.PHADDD, PackedShuffle.halving(value -> Lanes.neighbours(value, 32, Long::sum)))
                .put(
                        Mnemonic.PHADDSW,
                        PackedShuffle.halving(
                                value -> Lanes.neighbours(value, 16, (a, b) -> Lanes.saturate(a + b, 16))))
                .put(Mnemonic.PHSUBW, PackedShuffle.halving(value -> Lanes.neighbours(value, 16, (a, b) -> a - b)))
                .put(Mnemonic.PHSUBD, PackedShuffle.halving(value -> Lanes.neighbours(value, 32, (a, b) -> a - b)))
                .put(
                        Mnemonic.PHSUBSW,
                        PackedShuffle.halving(
                                value -> Lanes.neighbours(value, 16, (a, b) -> Lanes.saturate(a - b, 16))))
                .put(Mnemonic.PMADDUBSW, PackedInteger.whole(Lanes::multiplyAddBytes))
                .put(Mnemonic.PMULHRSW, PackedInteger.signed(16, (a, b) -> (a * b >> 14) + 1 >> 1))
                .put(Mnemonic.PSIGNB, PackedInteger.signed(8, Ssse3::sign))
                .put(Mnemonic.PSIGNW, PackedInteger.signed(16, Ssse3::sign))
                .put(Mnemonic.PSIGND, PackedInteger.signed(32, Ssse3::sign))
                .put(Mnemonic.PABSB, PackedInteger.signed(8, (a, b) -> Math.abs(b)))
                .put(Mnemonic.PABSW, PackedInteger.signed(16, (a, b) -> Math.abs(b)))
                .put(Mnemonic.PABSD, PackedInteger.signed(32, (a, b) -> Math.abs(b)))
                .put(Mnemonic.PSHUFB, Ssse3::pshufb)
                .put(Mnemonic.PALIGNR, Ssse3::palignr);
    }

    private static long sign(long value, long sign) {
        return value * Long.signum(sign);
    }

    private static void pshufb(Cpu cpu, Instruction i) {
        long low = PackedShuffle.readSources(cpu, i, true);
        if (PackedShuffle.isMmx(i.op0)) {
            cpu.fpu.setMmx(i.op0.number, shuffle(low, low, cpu.fpu.low));
        } else {
            long high = cpu.fpu.xmm[2 * i.op0.number + 1];
            PackedShuffle.setXmm(cpu, i, shuffle(low, high, cpu.fpu.low), shuffle(low, high, cpu.fpu.high));
        }
    }

    /** Picks bytes of 16 by eight indices, those of an index with its highest bit set being 0. */
    private static long shuffle(long low, long high, long indices) {
        long result = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 8) {
            int index = (int) (indices >>> shift);
            if ((index & 0x80) == 0) {
                long half = (index & 8) == 0 ? low : high;
                result |= (half >>> 8 * (index & 7) & 0xff) << shift;
            }
        }
        return result;
    }

    /** Shifts both operands right as one number, by bytes, the first being its upper half. */
    private static void palignr(Cpu cpu, Instruction i) {
        long low = PackedShuffle.readSources(cpu, i, true);
        int bytes = (int) i.op2.value;
        if (PackedShuffle.isMmx(i.op0)) {
            cpu.fpu.setMmx(i.op0.number, eightBytes(bytes, cpu.fpu.low, low));
        } else {
            long high = cpu.fpu.xmm[2 * i.op0.number + 1];
            long[] parts = {cpu.fpu.low, cpu.fpu.high, low, high};
            PackedShuffle.setXmm(cpu, i, eightBytes(bytes, parts), eightBytes(bytes + 8, parts));
        }
    }

    /** Returns eight bytes of a number, which has zeros above, from a byte of it on. */
    private static long eightBytes(int first, long... parts) {
        long lower = part(first / 8, parts);
        long upper = part(first / 8 + 1, parts);
        int bits = 8 * (first % 8);
        return bits == 0 ? lower : lower >>> bits | upper << Long.SIZE - bits;
    }

    private static long part(int number, long... parts) {
        return number < parts.length ? parts[number] : 0;
    }
}
