package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.AL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.ALL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.CL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.DL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.expect;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.flag;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.immediate;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.instruction;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.register;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.resultFlags;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.samples;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.Flag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShiftTests {

    private final AluCpu alu = new AluCpu();

    @ParameterizedTest
    @EnumSource(names = {"SHL", "SHR", "SAR", "ROL", "ROR", "RCL", "RCR"})
    void allBytesAreMovedStepByStepForAllCounts(Mnemonic mnemonic) {
        Instruction instruction = instruction(mnemonic, 1, register(1, AL), register(1, CL));
        for (int value = 0; value < 256; value++) {
            for (int count = 0; count < 256; count++) {
                check(instruction, value, count, 0);
                check(instruction, value, count, Flag.CF);
                check(instruction, value, count, ALL);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "SHL,2", "SHL,4", "SHR,2", "SHR,4", "SAR,2", "SAR,4", "ROL,2", "ROL,4", "ROR,2", "ROR,4", "RCL,2", "RCL,4",
        "RCR,2", "RCR,4"
    })
    void wideOperandsAreMovedStepByStepForAllCounts(Mnemonic mnemonic, int width) {
        Instruction instruction = instruction(mnemonic, width, register(width, AL), register(1, CL));
        for (long value : samples(width, 200)) {
            for (int count = 0; count < 34; count++) {
                check(instruction, value, count, 0);
                check(instruction, value, count, ALL);
            }
        }
    }

    private void check(Instruction instruction, long value, int count, int flags) {
        Mnemonic mnemonic = instruction.mnemonic;
        Steps steps = new Steps(mnemonic, value, instruction.width, flags);
        steps.take(count % 32);

        alu.set(AL, value).set(CL, count).flags(flags).execute(instruction);

        expect(mnemonic.text(), alu.get(AL), alu.flags(), steps.value, steps.flags, value, count, flags);
    }

    /** Shifts and rotates by one at a time, as arithmetic: no bit operations. */
    private static final class Steps {

        private final Mnemonic mnemonic;
        private final int width;
        private final long half;
        private long value;
        private int flags;

        Steps(Mnemonic mnemonic, long value, int width, int flags) {
            this.mnemonic = mnemonic;
            this.value = value;
            this.width = width;
            this.half = 1L << 8 * width - 1;
            this.flags = flags;
        }

        void take(int count) {
            int rotation = mnemonic == Mnemonic.RCL || mnemonic == Mnemonic.RCR ? count % (8 * width + 1) : count;
            boolean overflow = false;
            for (int step = 0; step < rotation; step++) {
                boolean negative = value >= half;
                takeOne();
                // Of more than one step the first decides.
                overflow = step == 0 ? overflows(negative) : overflow;
            }
            if (rotation == 0) {
                return;
            }
            boolean isShift = mnemonic == Mnemonic.SHL || mnemonic == Mnemonic.SHR || mnemonic == Mnemonic.SAR;
            int others = isShift ? resultFlags(value, width) : flags & ~(Flag.CF | Flag.OF);
            flags = others | flags & Flag.CF | flag(Flag.OF, overflow);
        }

        private void takeOne() {
            long carry = flags & Flag.CF;
            long top = value / half;
            long bottom = value % 2;
            boolean left = mnemonic == Mnemonic.SHL || mnemonic == Mnemonic.ROL || mnemonic == Mnemonic.RCL;
            long in =
                    switch (mnemonic) {
                        case ROL, SAR -> top;
                        case ROR -> bottom;
                        case RCL, RCR -> carry;
                        default -> 0;
                    };
            value = left ? value % half * 2 + in : value / 2 + in * half;
            flags = flags & ~Flag.CF | flag(Flag.CF, (left ? top : bottom) == 1);
        }

        /** For all of them OF says that the sign has changed. */
        private boolean overflows(boolean wasNegative) {
            return wasNegative != value >= half;
        }
    }

    @ParameterizedTest
    @CsvSource({"SHLD,2", "SHLD,4", "SHRD,2", "SHRD,4"})
    void doubleShiftsTakeBitsFromTheSource(Mnemonic mnemonic, int width) {
        int bits = 8 * width;
        Instruction instruction =
                instruction(mnemonic, width, register(width, AL), register(width, DL), register(1, CL));
        for (long value : samples(width, 40)) {
            for (long source : samples(width, 40)) {
                for (int count = 1; count < 32; count++) {
                    alu.set(AL, value)
                            .set(DL, source)
                            .set(CL, count + 32)
                            .flags(ALL)
                            .execute(instruction);

                    String three = binary(value, bits) + binary(source, bits) + binary(value, bits);
                    boolean left = mnemonic == Mnemonic.SHLD;
                    int from = left ? count : 2 * bits - count;
                    long result = Long.parseLong(three.substring(from, from + bits), 2);
                    char out = three.charAt(left ? count - 1 : 3 * bits - count);
                    char sign = three.charAt(left ? 1 : 2 * bits - 1);
                    int flags = resultFlags(result, width)
                            | flag(Flag.CF, out == '1')
                            | flag(Flag.OF, sign != three.charAt(0));
                    expect(mnemonic.text(), alu.get(AL), alu.flags(), result, flags, value, source, count);
                    assertThat(alu.get(DL)).isEqualTo(source);
                }
            }
        }
    }

    private static String binary(long value, int bits) {
        return Long.toBinaryString(1L << bits | value).substring(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 32, 64, 0xe0})
    void doubleShiftsByNothingChangeNothing(int count) {
        for (Mnemonic mnemonic : new Mnemonic[] {Mnemonic.SHLD, Mnemonic.SHRD}) {
            alu.set(AL, 0xdead_beefL).set(DL, 0x1234_5678).flags(ALL);
            alu.execute(mnemonic, 4, register(4, AL), register(4, DL), immediate(1, count));
            expect(mnemonic.text(), alu.get(AL), alu.flags(), 0xdead_beefL, ALL, count);
        }
    }

    @Test
    void countsMayBeImmediate() {
        alu.set(AL, 0xffff_ff81L).flags(0).execute(Mnemonic.ROL, 1, register(1, AL), immediate(1, 33));

        assertThat(alu.get(AL)).isEqualTo(0xffff_ff03L);
        assertThat(alu.flags()).isEqualTo(Flag.CF | Flag.OF);
    }

    @Test
    void countMayBePartOfWhatIsShifted() {
        alu.set(CL, 3).execute(Mnemonic.SHL, 4, register(4, CL), register(1, CL));

        assertThat(alu.get(CL)).isEqualTo(24);
    }
}
