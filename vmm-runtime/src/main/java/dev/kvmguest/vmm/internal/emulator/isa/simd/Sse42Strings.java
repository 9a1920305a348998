package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Flag;

/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM: comparisons of two strings of up to 16 bytes or 8 words (Intel SDM
 * volume 2, 4.1). Memory needs no alignment.
 */
public final class Sse42Strings {

    // The immediate (volume 2, table 4-1 and following).
    private static final int WORDS = 1;
    private static final int SIGNED = 1 << 1;
    private static final int AGGREGATION_SHIFT = 2;
    private static final int NEGATED = 1 << 4;
    private static final int VALID_ONLY = 1 << 5;
    /** The highest index, or a mask as wide as the elements. */
    private static final int OTHER_OUTPUT = 1 << 6;

    // Aggregations.
    private static final int EQUAL_ANY = 0;
    private static final int RANGES = 1;
    private static final int EQUAL_EACH = 2;

    private final int control;
    private final int elements;
    private final int[] first = new int[16];
    private final int[] second = new int[16];
    private int firstLength;
    private int secondLength;

    private Sse42Strings(Cpu cpu, Instruction i) {
        control = (int) i.op2.value;
        elements = (control & WORDS) != 0 ? 8 : 16;
        int number = 2 * i.op0.number;
        split(cpu.fpu.xmm[number], cpu.fpu.xmm[number + 1], first);
        split(cpu.fpu.low, cpu.fpu.high, second);
    }

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.PCMPESTRI, comparison(true, Sse42Strings::setIndex))
                .put(Mnemonic.PCMPESTRM, comparison(true, Sse42Strings::setMask))
                .put(Mnemonic.PCMPISTRI, comparison(false, Sse42Strings::setIndex))
                .put(Mnemonic.PCMPISTRM, comparison(false, Sse42Strings::setMask));
    }

    /** Where a comparison's result goes. */
    @FunctionalInterface
    private interface Output {
        void set(Sse42Strings strings, Cpu cpu, int result);
    }

    private static Operation comparison(boolean lengthsInRegisters, Output output) {
        return (cpu, i) -> {
            FpuChecks.requireSse(cpu);
            VectorOperands.read(cpu, i.op1);
            Sse42Strings strings = new Sse42Strings(cpu, i);
            if (lengthsInRegisters) {
                strings.firstLength = strings.length(cpu, Registers.RAX, i);
                strings.secondLength = strings.length(cpu, Registers.RDX, i);
            } else {
                strings.firstLength = strings.lengthToZero(strings.first);
                strings.secondLength = strings.lengthToZero(strings.second);
            }
            int result = strings.result();
            output.set(strings, cpu, result);
            cpu.eflags.setArithmetic((result != 0 ? Flag.CF : 0)
                    | (strings.secondLength < strings.elements ? Flag.ZF : 0)
                    | (strings.firstLength < strings.elements ? Flag.SF : 0)
                    | ((result & 1) != 0 ? Flag.OF : 0));
        };
    }

    private void split(long low, long high, int[] into) {
        for (int n = 0; n < elements; n++) {
            int value = (control & WORDS) != 0 ? (int) Lanes.word(low, high, n) : Lanes.byteOf(low, high, n);
            boolean signed = (control & SIGNED) != 0;
            into[n] = !signed ? value : (control & WORDS) != 0 ? (short) value : (byte) value;
        }
    }

    /** Returns the magnitude of a register, of which only with REX.W all 64 bits count, or the most there can be. */
    private int length(Cpu cpu, int register, Instruction i) {
        long whole = cpu.registers.gpr[register];
        long value = i.operandSize == 8 ? whole : (int) whole;
        // The most negative number has no magnitude, and is beyond the most all the same.
        return value > elements || value < -elements ? elements : (int) Math.abs(value);
    }

    private int lengthToZero(int[] string) {
        int length = 0;
        while (length < elements && string[length] != 0) {
            length++;
        }
        return length;
    }

    /** Returns a bit for each element of the second string, or for each place of it where the first one may be. */
    private int result() {
        int result = 0;
        for (int n = 0; n < elements; n++) {
            if (matches(n)) {
                result |= 1 << n;
            }
        }
        if ((control & NEGATED) == 0) {
            return result;
        }
        int all = (1 << elements) - 1;
        return result ^ ((control & VALID_ONLY) != 0 ? (1 << secondLength) - 1 : all);
    }

    private boolean matches(int at) {
        return switch (control >> AGGREGATION_SHIFT & 3) {
            case EQUAL_ANY -> at < secondLength && isAmong(second[at]);
            case RANGES -> at < secondLength && isInRange(second[at]);
            case EQUAL_EACH ->
                at < firstLength && at < secondLength
                        ? first[at] == second[at]
                        : at >= firstLength && at >= secondLength;
            default -> isSubstring(at);
        };
    }

    private boolean isAmong(int value) {
        for (int n = 0; n < firstLength; n++) {
            if (first[n] == value) {
                return true;
            }
        }
        return false;
    }

    /** A range without an end is none. */
    private boolean isInRange(int value) {
        for (int n = 0; n + 1 < firstLength; n += 2) {
            if (value >= first[n] && value <= first[n + 1]) {
                return true;
            }
        }
        return false;
    }

    /** What would be beyond the 16 bytes is not compared. */
    private boolean isSubstring(int at) {
        for (int n = 0; n < firstLength && at + n < elements; n++) {
            if (at + n >= secondLength || first[n] != second[at + n]) {
                return false;
            }
        }
        return true;
    }

    private void setIndex(Cpu cpu, int result) {
        int index = elements;
        if (result != 0) {
            index = (control & OTHER_OUTPUT) != 0
                    ? Integer.SIZE - 1 - Integer.numberOfLeadingZeros(result)
                    : Integer.numberOfTrailingZeros(result);
        }
        cpu.registers.set(Registers.RCX, 4, index);
    }

    private void setMask(Cpu cpu, int result) {
        cpu.fpu.xmm[1] = 0;
        cpu.fpu.xmm[0] = result;
        if ((control & OTHER_OUTPUT) != 0) {
            int bits = 128 / elements;
            int half = elements / 2;
            cpu.fpu.xmm[0] = widened(result, half, bits);
            cpu.fpu.xmm[1] = widened(result >> half, half, bits);
        }
    }

    /** Makes lanes of ones and zeros of bits. */
    private static long widened(int result, int lanes, int bits) {
        long mask = 0;
        for (int lane = 0; lane < lanes; lane++) {
            if ((result >> lane & 1) != 0) {
                mask |= (1L << bits) - 1 << bits * lane;
            }
        }
        return mask;
    }
}
