package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.AH;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.AL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.ALL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.CL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.DL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.expect;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.flag;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.instruction;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.memory;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.register;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.resultFlags;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.samples;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.math.BigInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArithmeticTests {

    private final AluCpu alu = new AluCpu();

    @ParameterizedTest
    @EnumSource(names = {"ADD", "ADC", "SUB", "SBB", "CMP"})
    void allBytesGiveTheResultAndFlagsOfTheNumbersTheyStandFor(Mnemonic mnemonic) {
        Instruction instruction = instruction(mnemonic, 1, register(1, AL), register(1, CL));
        for (int a = 0; a < 256; a++) {
            for (int b = 0; b < 256; b++) {
                check(instruction, a, b, 0);
                check(instruction, a, b, ALL);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"ADD,2", "ADD,4", "ADC,2", "ADC,4", "SUB,2", "SUB,4", "SBB,2", "SBB,4", "CMP,2", "CMP,4"})
    void wideOperandsGiveTheResultAndFlagsOfTheNumbersTheyStandFor(Mnemonic mnemonic, int width) {
        Instruction instruction = instruction(mnemonic, width, register(width, AL), register(width, CL));
        for (long a : samples(width, 200)) {
            for (long b : samples(width, 200)) {
                check(instruction, a, b, 0);
                check(instruction, a, b, Flag.CF);
            }
        }
    }

    private void check(Instruction instruction, long a, long b, int flags) {
        Mnemonic mnemonic = instruction.mnemonic;
        int width = instruction.width;
        boolean usesCarry = mnemonic == Mnemonic.ADC || mnemonic == Mnemonic.SBB;
        int sign = mnemonic == Mnemonic.ADD || mnemonic == Mnemonic.ADC ? 1 : -1;
        long carry = usesCarry ? flags & Flag.CF : 0;

        alu.set(AL, a).set(CL, b).flags(flags).execute(instruction);

        long result = sumOf(a, b, carry, sign, width);
        long left = mnemonic == Mnemonic.CMP ? a : result;
        expect(mnemonic.text(), alu.get(AL), alu.flags(), left, flagsOf(a, b, carry, sign, width), a, b, flags);
    }

    private static long sumOf(long a, long b, long carry, int sign, int width) {
        BigInteger sum = BigInteger.valueOf(a).add(BigInteger.valueOf(sign * (b + carry)));
        return sum.mod(BigInteger.ONE.shiftLeft(8 * width)).longValue();
    }

    /** Flags from what they mean: CF that the unsigned sum doesn't fit, OF that the signed one doesn't, AF by digit. */
    private static int flagsOf(long a, long b, long carry, int sign, int width) {
        BigInteger modulus = BigInteger.ONE.shiftLeft(8 * width);
        BigInteger unsigned = BigInteger.valueOf(a).add(BigInteger.valueOf(sign * (b + carry)));
        BigInteger signed = signed(a, modulus)
                .add(BigInteger.valueOf(sign).multiply(signed(b, modulus).add(BigInteger.valueOf(carry))));
        BigInteger half = modulus.shiftRight(1);
        long digits = (a & 0xf) + sign * ((b & 0xf) + carry);
        return resultFlags(unsigned.mod(modulus).longValue(), width)
                | flag(Flag.CF, unsigned.signum() < 0 || unsigned.compareTo(modulus) >= 0)
                | flag(Flag.OF, signed.compareTo(half) >= 0 || signed.compareTo(half.negate()) < 0)
                | flag(Flag.AF, digits < 0 || digits > 0xf);
    }

    private static BigInteger signed(long value, BigInteger modulus) {
        BigInteger number = BigInteger.valueOf(value);
        return number.shiftLeft(1).compareTo(modulus) >= 0 ? number.subtract(modulus) : number;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void incrementAndDecrementLeaveTheCarryAsItIs(int width) {
        for (long a : samples(width, 400)) {
            for (int flags : new int[] {0, Flag.CF, ALL & ~Flag.CF, ALL}) {
                int carry = flags & Flag.CF;
                alu.set(AL, a).flags(flags).execute(Mnemonic.INC, width, register(width, AL));
                int up = flagsOf(a, 1, 0, 1, width) & ~Flag.CF | carry;
                expect("inc", alu.get(AL), alu.flags(), sumOf(a, 1, 0, 1, width), up, a, flags);

                alu.set(AL, a).flags(flags).execute(Mnemonic.DEC, width, register(width, AL));
                int down = flagsOf(a, 1, 0, -1, width) & ~Flag.CF | carry;
                expect("dec", alu.get(AL), alu.flags(), sumOf(a, 1, 0, -1, width), down, a, flags);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void negationIsSubtractionFromZero(int width) {
        for (long a : samples(width, 1000)) {
            alu.set(AL, a).flags(ALL).execute(Mnemonic.NEG, width, register(width, AL));
            int flags = flagsOf(0, a, 0, -1, width);
            expect("neg", alu.get(AL), alu.flags(), sumOf(0, a, 0, -1, width), flags, a);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void exchangeAndAddSwapsTheSumIn(int width) {
        for (long a : samples(width, 100)) {
            for (long b : samples(width, 100)) {
                alu.set(CL, a)
                        .set(DL, b)
                        .flags(ALL)
                        .execute(Mnemonic.XADD, width, register(width, CL), register(width, DL));
                int flags = flagsOf(a, b, 0, 1, width);
                expect("xadd", alu.get(CL), alu.flags(), sumOf(a, b, 0, 1, width), flags, a, b);
                assertThat(alu.get(DL)).isEqualTo(a);
            }
        }
    }

    @Test
    void exchangeAndAddOfARegisterWithItselfDoublesIt() {
        alu.set(CL, 21).execute(Mnemonic.XADD, 4, register(4, CL), register(4, CL));

        assertThat(alu.get(CL)).isEqualTo(42);
    }

    @Test
    void exchangeAndAddOfTheHalvesOfARegister() {
        alu.set(AL, 0x1234_0305).execute(Mnemonic.XADD, 1, register(1, AL), register(1, AH));

        assertThat(alu.get(AL)).isEqualTo(0x1234_0508);
    }

    @Test
    void exchangeAndAddWritesMemoryByTheAddressItHadBefore() {
        Operand byItself = Operand.memory(4, 3, CL, Registers.NONE, 0, 0, 4);
        alu.write(0x100, 4, 5).set(CL, 0x100).execute(Mnemonic.XADD, 4, byItself, register(4, CL));

        assertThat(alu.read(0x100, 4)).isEqualTo(0x105);
        assertThat(alu.get(CL)).isEqualTo(5);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void compareAndExchangeSetsFlagsAsComparingTheAccumulatorDoes(int width) {
        for (long accumulator : samples(width, 60)) {
            for (long destination : samples(width, 60)) {
                alu.set(AL, accumulator).set(CL, destination).set(DL, 0x55).flags(ALL);
                alu.execute(Mnemonic.CMPXCHG, width, register(width, CL), register(width, DL));

                boolean equal = accumulator == destination;
                int flags = flagsOf(accumulator, destination, 0, -1, width);
                long left = equal ? 0x55 : destination;
                expect("cmpxchg", alu.get(CL), alu.flags(), left, flags, accumulator, destination);
                assertThat(alu.get(AL)).isEqualTo(destination);
            }
        }
    }

    @Test
    void compareAndExchangeLeavesTheRestOfTheRegistersAsItIs() {
        alu.set(AL, 0x1111_1111).set(CL, 0x2222_2222).set(DL, 0x3333_3333);
        alu.execute(Mnemonic.CMPXCHG, 1, register(1, CL), register(1, DL));

        assertThat(alu.get(AL)).isEqualTo(0x1111_1122);
        assertThat(alu.get(CL)).isEqualTo(0x2222_2222);
    }

    @Test
    void compareAndExchangeOfAnotherValueDoesNotEvenClearTheUpperHalf() {
        alu.cpu.registers.gpr[AL] = 0x1111_1111_1111_1111L;
        alu.cpu.registers.gpr[CL] = 0x2222_2222_2222_2222L;
        alu.execute(Mnemonic.CMPXCHG, 4, register(4, CL), register(4, DL));

        assertThat(alu.cpu.registers.gpr[AL]).isEqualTo(0x2222_2222L);
        assertThat(alu.cpu.registers.gpr[CL]).isEqualTo(0x2222_2222_2222_2222L);
    }

    @Test
    void compareAndExchangeOfEightBytesStoresWhatEcxAndEbxHold() {
        alu.write(0x200, 8, 0x0011_2233_4455_6677L).flags(ALL & ~Flag.ZF);
        alu.set(Registers.RDX, 0x0011_2233).set(Registers.RAX, 0x4455_6677);
        alu.set(Registers.RCX, 0x8899_aabbL).set(Registers.RBX, 0xccdd_eeffL);

        alu.execute(Mnemonic.CMPXCHG8B, 8, memory(8, 0x200));

        assertThat(alu.read(0x200, 8)).isEqualTo(0x8899_aabb_ccdd_eeffL);
        assertThat(alu.get(Registers.RDX)).isEqualTo(0x0011_2233);
        assertThat(alu.flags()).isEqualTo(ALL);
    }

    @Test
    void compareAndExchangeOfEightBytesLoadsWhatItDidNotExpect() {
        Operand byTheAccumulator = Operand.memory(8, 3, Registers.RAX, Registers.NONE, 0, 0, 4);
        alu.write(0x200, 8, 0x8011_2233_c455_6677L).flags(Flag.ZF | Flag.CF);
        alu.set(Registers.RDX, 0x8011_2233L).set(Registers.RAX, 0x200).set(Registers.RCX, 1);

        alu.execute(Mnemonic.CMPXCHG8B, 8, byTheAccumulator);

        assertThat(alu.read(0x200, 8)).isEqualTo(0x8011_2233_c455_6677L);
        assertThat(alu.get(Registers.RDX)).isEqualTo(0x8011_2233L);
        assertThat(alu.get(Registers.RAX)).isEqualTo(0xc455_6677L);
        assertThat(alu.flags()).isEqualTo(Flag.CF);
    }
}
