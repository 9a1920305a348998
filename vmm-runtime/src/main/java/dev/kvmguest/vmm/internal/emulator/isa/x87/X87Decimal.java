package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;

/**
 * FBLD and FBSTP: 18 decimal digits, two a byte, the lowest first, and a byte with the sign (Intel SDM volume 1, 4.7).
 */
final class X87Decimal {

    private static final int DIGITS = 18;
    private static final int DIGITS_OF_LONG = 16;
    private static final long LARGEST = 999_999_999_999_999_999L;
    private static final int NEGATIVE = 0x80;
    /** Packed BCD indefinite: the answer to invalid operations. */
    private static final long INDEFINITE_DIGITS = 0xc000_0000_0000_0000L;

    private static final int INDEFINITE_END = 0xffff;

    private X87Decimal() {}

    static void install(OperationTable table) {
        table.put(Mnemonic.FBLD, X87Decimal::fbld).put(Mnemonic.FBSTP, X87Decimal::fbstp);
    }

    /** A digit above 9, which the manual leaves undefined, counts as the number that it is. */
    private static void fbld(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        TenBytes bytes = TenBytes.read(cpu, i.op0);
        X87Stack.notePointers(cpu, i);
        if (!X87Stack.canPush(cpu.fpu)) {
            return;
        }
        long value = 0;
        for (int digit = DIGITS - 1; digit >= 0; digit--) {
            value = 10 * value + digit(bytes, digit);
        }
        boolean negative = (bytes.high() >> 8 & NEGATIVE) != 0;
        cpu.fpu.setConditions(FpuState.C1, 0);
        X87Stack.push(cpu.fpu, Real.of(value).withSign(negative));
    }

    private static long digit(TenBytes bytes, int number) {
        return number < DIGITS_OF_LONG
                ? bytes.low() >>> 4 * number & 0xf
                : bytes.high() >> 4 * (number - DIGITS_OF_LONG) & 0xf;
    }

    private static void fbstp(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        FpuState fpu = cpu.fpu;
        TenBytes.checkWritable(cpu, i.op0);
        X87Stack.notePointers(cpu, i);
        TenBytes digits = new TenBytes(INDEFINITE_DIGITS, INDEFINITE_END);
        if (fpu.isEmpty(0)) {
            if (!X87Stack.underflow(fpu)) {
                return;
            }
        } else {
            Real value = X87Stack.get(fpu, 0);
            FloatUnit unit = X87Stack.fullUnit(fpu);
            long integer = unit.toInteger(value, Long.SIZE);
            boolean fits = (unit.flags() & FpuState.INVALID) == 0 && integer >= -LARGEST && integer <= LARGEST;
            if (!fits) {
                unit = X87Stack.fullUnit(fpu);
                unit.raise(FpuState.INVALID);
            }
            if (!X87Stack.accept(fpu, unit)) {
                return;
            }
            if (fits) {
                digits = digits(Math.abs(integer), value.negative());
            }
        }
        digits.write(cpu, i.op0);
        X87Stack.pop(fpu);
    }

    private static TenBytes digits(long magnitude, boolean negative) {
        long rest = magnitude;
        long low = 0;
        int high = negative ? NEGATIVE << 8 : 0;
        for (int digit = 0; digit < DIGITS; digit++) {
            if (digit < DIGITS_OF_LONG) {
                low |= rest % 10 << 4 * digit;
            } else {
                high |= (int) (rest % 10) << 4 * (digit - DIGITS_OF_LONG);
            }
            rest /= 10;
        }
        return new TenBytes(low, high);
    }
}
