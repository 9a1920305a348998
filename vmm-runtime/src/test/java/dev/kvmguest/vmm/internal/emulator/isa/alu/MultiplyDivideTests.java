package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.AL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.ALL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.CL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.DL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.expect;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.immediate;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.instruction;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.memory;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.register;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.resultFlags;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.samples;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.math.BigInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MultiplyDivideTests {

    /** What a wide register holds where an instruction doesn't reach. */
    private static final long REST = 0xabcd_0000L;

    private final AluCpu alu = new AluCpu();

    @ParameterizedTest
    @CsvSource({"MUL,1", "MUL,2", "MUL,4", "IMUL,1", "IMUL,2", "IMUL,4"})
    void productsAreTwiceAsWide(Mnemonic mnemonic, int width) {
        boolean signed = mnemonic == Mnemonic.IMUL;
        Instruction instruction = instruction(mnemonic, width, register(width, CL));
        for (long a : samples(width, 100)) {
            for (long b : samples(width, 100)) {
                for (int flags : new int[] {0, ALL}) {
                    setPair(0, a, width);
                    alu.set(CL, b).flags(flags).execute(instruction);

                    BigInteger product = number(a, width, signed).multiply(number(b, width, signed));
                    long twice = pair(width);
                    expect(
                            mnemonic.text(),
                            twice,
                            alu.flags(),
                            wrapped(product, 2 * width),
                            flagsOf(product, width, signed),
                            a,
                            b);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void productsOfTwoAndThreeOperandsAreCut(int width) {
        Instruction inPlace = instruction(Mnemonic.IMUL, width, register(width, CL), register(width, DL));
        for (long a : samples(width, 80)) {
            for (long b : samples(width, 80)) {
                BigInteger product = number(a, width, true).multiply(number(b, width, true));
                int flags = flagsOf(product, width, true);

                alu.set(CL, a).set(DL, b).flags(ALL).execute(inPlace);
                expect("imul", alu.get(CL), alu.flags(), wrapped(product, width), flags, a, b);

                alu.set(CL, 99).set(DL, b).flags(0);
                alu.execute(Mnemonic.IMUL, width, register(width, CL), register(width, DL), immediate(width, a));
                expect("imul", alu.get(CL), alu.flags(), wrapped(product, width), flags, b, a);
                assertThat(alu.get(DL)).isEqualTo(b);
            }
        }
    }

    /** CF and OF say that the upper half matters; the others are what Intel's processors make of the lower half. */
    private static int flagsOf(BigInteger product, int width, boolean signed) {
        long lower = wrapped(product, width);
        boolean fits = number(lower, width, signed).equals(product);
        return resultFlags(lower, width) & ~Flag.ZF | (fits ? 0 : Flag.CF | Flag.OF);
    }

    @ParameterizedTest
    @CsvSource({"DIV,1", "DIV,2", "DIV,4", "IDIV,1", "IDIV,2", "IDIV,4"})
    void quotientsAndRemaindersOrDivideErrors(Mnemonic mnemonic, int width) {
        boolean signed = mnemonic == Mnemonic.IDIV;
        Instruction instruction = instruction(mnemonic, width, register(width, CL));
        int errors = 0;
        for (long high : samples(width, 40)) {
            for (long low : samples(width, 40)) {
                for (long divisor : samples(width, 40)) {
                    BigInteger dividend =
                            number(high, width, signed).shiftLeft(8 * width).add(BigInteger.valueOf(low));
                    errors += check(instruction, dividend, number(divisor, width, signed), signed);
                }
            }
        }
        // Both kinds have been there.
        assertThat(errors).isBetween(1000, 63_000);
    }

    /** Most random dividends are too long: these are products, and so around what just fits. */
    @ParameterizedTest
    @CsvSource({"DIV,1", "DIV,2", "DIV,4", "IDIV,1", "IDIV,2", "IDIV,4"})
    void quotientsAroundTheLongest(Mnemonic mnemonic, int width) {
        boolean signed = mnemonic == Mnemonic.IDIV;
        Instruction instruction = instruction(mnemonic, width, register(width, CL));
        long[] limits = {0, 1, (1L << 8 * width - 1) - 1, 1L << 8 * width - 1, (1L << 8 * width) - 1};
        for (long limit : limits) {
            for (long value : samples(width, 60)) {
                BigInteger divisor = number(value, width, signed);
                BigInteger product = number(limit, width, signed).multiply(divisor);
                BigInteger reach = divisor.abs().add(BigInteger.ONE);
                for (BigInteger near : new BigInteger[] {
                    BigInteger.ZERO, BigInteger.ONE, divisor.abs().subtract(BigInteger.ONE), divisor.abs(), reach
                }) {
                    check(instruction, product.add(near), divisor, signed);
                    check(instruction, product.subtract(near), divisor, signed);
                }
            }
        }
    }

    /** Returns 1 if it is a divide error, else 0. */
    private int check(Instruction instruction, BigInteger wanted, BigInteger divisor, boolean signed) {
        int width = instruction.width;
        long bits = wrapped(wanted, 2 * width);
        BigInteger dividend = wrap(wanted, 2 * width, signed);
        alu.set(CL, wrapped(divisor, width)).flags(ALL);
        setPair(bits >>> 8 * width, bits, width);
        boolean fits = divisor.signum() != 0 && fits(dividend.divide(divisor), width, signed);
        String what = instruction.mnemonic.text() + " of " + dividend + " by " + divisor;
        if (!fits) {
            CpuFault fault = catchThrowableOfType(CpuFault.class, () -> alu.execute(instruction));
            assertThat(fault).as(what).isNotNull();
            assertThat(fault.vector()).as(what).isEqualTo(Vector.DE);
            expect(what, pair(width), alu.flags(), bits, ALL);
            return 1;
        }
        BigInteger[] result = dividend.divideAndRemainder(divisor);
        alu.execute(instruction);
        long both = wrapped(result[1], width) << 8 * width | wrapped(result[0], width);
        expect(what, pair(width), alu.flags(), both, ALL);
        return 0;
    }

    @Test
    void narrowOnesLeaveTheUpperHalvesAsTheyAre() {
        setPair(1, 2, 2);
        alu.set(CL, 3).execute(Mnemonic.MUL, 2, register(2, CL));
        assertThat(alu.get(AL)).isEqualTo(REST | 6);
        assertThat(alu.get(DL)).isEqualTo(REST);

        alu.execute(Mnemonic.IDIV, 1, register(1, CL));
        assertThat(alu.get(AL)).isEqualTo(REST | 2);
    }

    @Test
    void memoryOperandsAreRead() {
        alu.write(0x300, 2, 1000).set(AL, 0).set(DL, 500).execute(Mnemonic.DIV, 2, memory(2, 0x300));

        assertThat(alu.get(AL)).isEqualTo(0x8000);
        assertThat(alu.get(DL)).isZero();
    }

    private void setPair(long high, long low, int width) {
        long mask = (1L << 8 * width) - 1;
        if (width == 1) {
            alu.set(AL, REST | (high & mask) << 8 | low & mask).set(DL, REST);
        } else {
            long rest = REST & ~mask;
            alu.set(AL, rest | low & mask).set(DL, rest | high & mask);
        }
    }

    private long pair(int width) {
        long mask = (1L << 8 * width) - 1;
        return width == 1 ? alu.get(AL) & 0xffff : (alu.get(DL) & mask) << 8 * width | alu.get(AL) & mask;
    }

    private static BigInteger number(long value, int width, boolean signed) {
        return wrap(BigInteger.valueOf(value), width, signed);
    }

    private static BigInteger wrap(BigInteger value, int width, boolean signed) {
        BigInteger modulus = BigInteger.ONE.shiftLeft(8 * width);
        BigInteger positive = value.mod(modulus);
        return signed && positive.testBit(8 * width - 1) ? positive.subtract(modulus) : positive;
    }

    private static boolean fits(BigInteger value, int width, boolean signed) {
        return wrap(value, width, signed).equals(value);
    }

    private static long wrapped(BigInteger value, int width) {
        return value.mod(BigInteger.ONE.shiftLeft(8 * width)).longValue();
    }
}
