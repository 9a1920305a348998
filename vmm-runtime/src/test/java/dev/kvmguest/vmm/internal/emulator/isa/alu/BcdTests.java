package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.AL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.ALL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.CL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.expect;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.flag;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.immediate;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.register;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.resultFlags;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BcdTests {

    private static final int[] FLAGS = {0, Flag.CF, Flag.AF, Flag.CF | Flag.AF, ALL, ALL & ~Flag.CF, ALL & ~Flag.AF};

    private final AluCpu alu = new AluCpu();

    @Test
    void decimalSumsOfAllDigits() {
        for (int a = 0; a < 100; a++) {
            for (int b = 0; b < 100; b++) {
                for (int carry = 0; carry < 2; carry++) {
                    alu.set(AL, packed(a)).set(CL, packed(b)).flags(carry);
                    alu.execute(Mnemonic.ADC, 1, register(1, AL), register(1, CL))
                            .execute(Mnemonic.DAA, 1);

                    assertThat(alu.get(AL)).isEqualTo(packed((a + b + carry) % 100));
                    assertThat(alu.flags() & Flag.CF).isEqualTo((a + b + carry) / 100);
                }
            }
        }
    }

    @Test
    void decimalDifferencesOfAllDigits() {
        for (int a = 0; a < 100; a++) {
            for (int b = 0; b < 100; b++) {
                for (int borrow = 0; borrow < 2; borrow++) {
                    alu.set(AL, packed(a)).set(CL, packed(b)).flags(borrow);
                    alu.execute(Mnemonic.SBB, 1, register(1, AL), register(1, CL))
                            .execute(Mnemonic.DAS, 1);

                    assertThat(alu.get(AL)).isEqualTo(packed(Math.floorMod(a - b - borrow, 100)));
                    assertThat(alu.flags() & Flag.CF).isEqualTo(a - b - borrow < 0 ? 1 : 0);
                }
            }
        }
    }

    private static long packed(int number) {
        return Long.parseLong(Integer.toString(number), 16);
    }

    @ParameterizedTest
    @EnumSource(names = {"DAA", "DAS"})
    void allBytesAreAdjustedByTheManualsSteps(Mnemonic mnemonic) {
        int sign = mnemonic == Mnemonic.DAA ? 1 : -1;
        for (int before = 0; before < 256; before++) {
            for (int flags : FLAGS) {
                int al = before;
                boolean carry = false;
                boolean adjust = false;
                if (al % 16 > 9 || (flags & Flag.AF) != 0) {
                    al += sign * 6;
                    carry = (flags & Flag.CF) != 0 || al < 0 || al > 255;
                    al = Math.floorMod(al, 256);
                    adjust = true;
                }
                if (before > 0x99 || (flags & Flag.CF) != 0) {
                    al = Math.floorMod(al + sign * 0x60, 256);
                    carry = true;
                }

                alu.set(AL, 0x1234_5600 + before).flags(flags).execute(mnemonic, 1);

                int expected = resultFlags(al, 1) | flag(Flag.CF, carry) | flag(Flag.AF, adjust);
                expect(mnemonic.text(), alu.get(AL), alu.flags(), 0x1234_5600 + al, expected, before, flags);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"AAA", "AAS"})
    void allDigitsAreAdjustedByTheManualsSteps(Mnemonic mnemonic) {
        int sign = mnemonic == Mnemonic.AAA ? 1 : -1;
        for (int before = 0; before < 0x10000; before++) {
            for (int flags : FLAGS) {
                int ax = before;
                boolean adjust = ax % 16 > 9 || (flags & Flag.AF) != 0;
                if (adjust) {
                    ax = Math.floorMod(ax + sign * 6, 0x10000);
                    ax = Math.floorMod(ax + sign * 0x100, 0x10000);
                }
                ax -= ax / 16 % 16 * 16;

                alu.set(AL, 0x8765_0000L + before).flags(flags).execute(mnemonic, 1);

                int expected = resultFlags(ax % 256, 1) | (adjust ? Flag.CF | Flag.AF : 0);
                expect(mnemonic.text(), alu.get(AL), alu.flags(), 0x8765_0000L + ax, expected, before, flags);
            }
        }
    }

    @Test
    void bytesAreSplitIntoDigitsOfAnyBase() {
        for (int base = 1; base < 256; base++) {
            for (int al = 0; al < 256; al++) {
                alu.set(AL, 0xffff_ee00L + al).flags(ALL).execute(Mnemonic.AAM, 1, immediate(1, base));

                int left = al % base;
                expect(
                        "aam",
                        alu.get(AL),
                        alu.flags(),
                        0xffff_0000L + al / base * 256 + left,
                        resultFlags(left, 1),
                        al);
            }
        }
    }

    @Test
    void splittingByBaseZeroIsADivideError() {
        alu.set(AL, 0x1234).flags(ALL);

        CpuFault fault = catchThrowableOfType(CpuFault.class, () -> alu.execute(Mnemonic.AAM, 1, immediate(1, 0)));

        assertThat(fault.vector()).isEqualTo(Vector.DE);
        expect("aam", alu.get(AL), alu.flags(), 0x1234, ALL);
    }

    /** The flags are those of adding the digits, as bytes. */
    @Test
    void digitsOfAnyBaseAreJoined() {
        AluCpu adder = new AluCpu();
        for (int base : new int[] {0, 1, 8, 10, 16, 255}) {
            for (int ax = 0; ax < 0x10000; ax++) {
                alu.set(AL, 0x1111_0000 + ax).flags(ALL).execute(Mnemonic.AAD, 1, immediate(1, base));

                int tens = ax / 256 * base % 256;
                adder.set(AL, ax % 256).execute(Mnemonic.ADD, 1, register(1, AL), immediate(1, tens));
                expect("aad", alu.get(AL), alu.flags(), 0x1111_0000 + adder.get(AL), adder.flags(), ax, base);
            }
        }
    }
}
