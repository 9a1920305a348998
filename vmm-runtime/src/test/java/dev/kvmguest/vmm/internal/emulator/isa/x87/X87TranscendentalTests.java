package dev.kvmguest.vmm.internal.emulator.isa.x87;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Sines, logarithms and the like beside what a processor has answered, which is at most one unit in the last place away
 * from the exact result and mostly the nearest number; and beside Java's own.
 *
 * <p>{@code x87-transcendental.txt} has one case a line: the instruction, control word, how many registers are pushed and
 * which; then, after {@code =}, the status word, ST(0) and ST(1).
 */
class X87TranscendentalTests {

    private static final String SINE = "d9 fe";
    private static final String COSINE = "d9 ff";
    private static final String TANGENT = "d9 f2";
    private static final String SINE_AND_COSINE = "d9 fb";
    private static final String ARCTANGENT = "d9 f3";
    private static final String POWER_LESS_ONE = "d9 f0";
    private static final String LOGARITHM = "d9 f1";
    private static final String LOGARITHM_OF_ONE_PLUS = "d9 f9";
    private static final String ONE = "d9 e8";
    private static final String PI = "d9 eb";

    private static final int NEAREST = 0x37f;
    private static final int DOWN = 0x77f;
    private static final int UP = 0xb7f;

    private final FpuCpu guest = new FpuCpu();

    @Test
    void resultsAreAtMostOneUnitFromAProcessors() throws IOException {
        List<String> wrong = new ArrayList<>();
        int equal = 0;
        List<String> cases = cases();
        for (String line : cases) {
            String[] words = line.substring(line.indexOf('=') + 2).split(" ");
            run(line.substring(0, line.indexOf('=')).split(" "));
            long distance = Math.max(distance(words[1], 0), distance(words[2], 1));
            // C1 says how the last bit was rounded.
            int status = Integer.parseInt(words[0], 16) ^ guest.fpu.status();
            if (distance > 1 || (status & ~FpuState.C1) != 0) {
                wrong.add(String.format("%s but %04x, %d", line, guest.fpu.status(), distance));
            }
            equal += distance == 0 ? 1 : 0;
        }
        assertThat(wrong).isEmpty();
        assertThat(cases).hasSizeGreaterThan(600);
        assertThat(equal).isGreaterThan(cases.size() * 95 / 100);
    }

    private void run(String[] words) {
        guest.fpu.initialize();
        for (int i = 0; i < FpuState.X87_REGISTERS; i++) {
            guest.fpu.restoreRegister(i, 0, 0);
        }
        for (int i = 0; i < Integer.parseInt(words[2]); i++) {
            guest.fpu.setTop(guest.fpu.top() - 1);
            String value = words[3 + i];
            guest.fpu.setRegister(
                    0, Integer.parseInt(value.substring(0, 4), 16), Long.parseUnsignedLong(value.substring(4), 16));
        }
        guest.fpu.setControl(Integer.parseInt(words[1], 16));
        guest.run(words[0]);
    }

    /** Returns how many numbers a register is away from one, of the same sign and about as large. */
    private long distance(String expected, int register) {
        long exponents = Integer.parseInt(expected.substring(0, 4), 16) - guest.fpu.signExponent(register);
        long significand = Long.parseUnsignedLong(expected.substring(4), 16);
        long distance = significand - guest.fpu.significand(register);
        if (Math.abs(exponents) == 1) {
            // A power of 2, and the number before it, all of whose bits are set.
            return distance == exponents * (Long.MIN_VALUE + 1) ? 1 : Long.MAX_VALUE;
        }
        return exponents != 0 ? Long.MAX_VALUE : Math.abs(distance);
    }

    @Test
    void javaAgreesAsFarAsDoublesGo() {
        compare(SINE, -1, 1, Math::sin);
        compare(COSINE, -1, 1, Math::cos);
        compare(TANGENT + "dd d8", -1, 1, Math::tan);
        compare(ONE + ARCTANGENT, -20, 20, Math::atan);
        compare(ONE + "d9 c9" + LOGARITHM, 0, 1000, x -> Math.log(x) / Math.log(2));
        compare(ONE + "d9 c9" + LOGARITHM_OF_ONE_PLUS, -0.9, 1, x -> Math.log1p(x) / Math.log(2));
        compare(POWER_LESS_ONE, -1, 1, x -> Math.expm1(x * Math.log(2)));
    }

    private void compare(String code, double from, double to, DoubleUnaryOperator function) {
        SplittableRandom random = new SplittableRandom(42);
        for (int n = 0; n < 300; n++) {
            double x = from + random.nextDouble() * (to - from);
            guest.fpu.initialize();
            guest.ram.putDouble(FpuCpu.DATA, x);
            guest.run("dd 03" + code + "dd 1b"); // fld qword [ebx], and fstp there
            double expected = function.applyAsDouble(x);
            double distance = Math.abs(guest.ram.getDouble(FpuCpu.DATA) - expected);
            assertThat(distance).as("%s of %s", code, x).isLessThanOrEqualTo(4 * Math.ulp(expected));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                SINE,
                COSINE,
                ONE + ARCTANGENT,
                "dd 03 d9 c9" + ARCTANGENT,
                POWER_LESS_ONE,
                ONE + "d9 c9" + LOGARITHM,
                ONE + "d9 c9" + LOGARITHM_OF_ONE_PLUS
            })
    void roundingDownAndUpGivesTheNumbersAroundTheExactResult(String code) {
        SplittableRandom random = new SplittableRandom(7);
        for (int n = 0; n < 200; n++) {
            guest.ram.putDouble(FpuCpu.DATA, Math.scalb(0.5 + random.nextDouble() / 2, -random.nextInt(60)));
            long down = significand(code, DOWN);
            long up = significand(code, UP);
            long nearest = significand(code, NEAREST);
            long towardsZero = guest.fpu.signExponent(0) < 0x8000 ? down : up;
            assertThat(Math.abs(up - down)).isIn(1L, Long.MAX_VALUE);
            assertThat(nearest).isIn(down, up);
            assertThat(nearest == towardsZero).isEqualTo((guest.fpu.status() & FpuState.C1) == 0);
        }
    }

    private long significand(String code, int control) {
        guest.fpu.initialize();
        guest.run("dd 03").fpu.setControl(control);
        guest.run(code);
        return guest.fpu.significand(0);
    }

    /** The pi of a register is larger than that of 66 bits by 2^-64. */
    @Test
    void anglesAreReducedByAPiOf66Bits() {
        guest.run(PI + SINE);

        assertThat(guest.fpu.signExponent(0)).isEqualTo(0x8000 | 0x3fff - 64);
        assertThat(guest.fpu.significand(0)).isEqualTo(Long.MIN_VALUE);
    }

    @ParameterizedTest
    @ValueSource(strings = {SINE, COSINE, TANGENT, SINE_AND_COSINE})
    void angleThatIsTooLargeStaysAsItIs(String code) {
        guest.ram.putDouble(FpuCpu.DATA, -0x1p63).putDouble(FpuCpu.DATA + 8, Math.nextDown(0x1p63));
        guest.run("dd 03" + code);

        assertThat(guest.fpu.status()).as("C2, TOP 7").isEqualTo(FpuState.C2 | 0x3800);
        assertThat(guest.fpu.signExponent(0)).isEqualTo(0x8000 | 0x3fff + 63);

        guest.run("dd 43 08" + code);
        assertThat(guest.fpu.status() & FpuState.C2).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "d9 e8 d9 e8 d9 f3, 3ffe, c90fdaa22168c235, 20", // fpatan of 1 and 1: pi/4
        "d9 ee d9 e8 d9 e0 d9 f3, 4000, c90fdaa22168c235, 20", // of 0 and -1: pi
        "d9 ee d9 e8 d9 f3, 0000, 0000000000000000, 0",
        "d9 e8 d9 ee d9 f3, 3fff, c90fdaa22168c235, 20", // of 1 and 0: pi/2
        "d9 e8 d9 f0, 3fff, 8000000000000000, 20", // f2xm1 of 1
        "d9 e8 d9 e0 d9 f0, bffe, 8000000000000000, 20", // of -1
        "d9 ee d9 f0, 0000, 0000000000000000, 0",
        "d9 e8 d9 e8 d9 f1, 0000, 0000000000000000, 0", // fyl2x of 1
        "d9 e8 d9 e8 d8 c0 d9 f1, 3fff, 8000000000000000, 20", // of 2
        "d9 e8 d9 ee d9 f1, ffff, 8000000000000000, 4", // of 0: a division by zero
        "d9 e8 d9 e8 d9 e0 d9 f1, ffff, c000000000000000, 1", // of -1
        "d9 e8 d9 e8 d9 f9, 3fff, 8000000000000000, 20", // fyl2xp1 of 1
        "d9 ee d9 e8 d9 e0 d8 c0 d9 f9, 8000, 0000000000000000, 0", // of -2, times 0
        "d9 ee d9 ff, 3fff, 8000000000000000, 0" // fcos of 0
    })
    void wellKnownValues(String code, String signExponent, String significand, String exceptions) {
        guest.run(code);

        assertThat(guest.fpu.signExponent(0)).isEqualTo(Integer.parseInt(signExponent, 16));
        assertThat(guest.fpu.significand(0)).isEqualTo(Long.parseUnsignedLong(significand, 16));
        assertThat(guest.fpu.status() & FpuState.EXCEPTIONS).isEqualTo(Integer.parseInt(exceptions, 16));
    }

    private static List<String> cases() throws IOException {
        try (InputStream text = X87TranscendentalTests.class.getResourceAsStream("x87-transcendental.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .toList();
        }
    }
}
