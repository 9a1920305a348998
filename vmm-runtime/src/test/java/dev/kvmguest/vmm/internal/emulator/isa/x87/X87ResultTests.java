package dev.kvmguest.vmm.internal.emulator.isa.x87;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Instructions on operands of every kind, in every rounding mode and precision, beside what a processor has answered.
 *
 * <p>{@code x87.txt} has one case a line: instruction, control word, ST(0) and ST(1) as sign and exponent and significand,
 * 8 bytes of memory before or after, then ST(0) and the status word after the instruction.
 */
class X87ResultTests {

    private static final Map<String, String> CODES = Map.ofEntries(
            Map.entry("fadd", "d8 c1"),
            Map.entry("fsub", "d8 e1"),
            Map.entry("fmul", "d8 c9"),
            Map.entry("fdiv", "d8 f1"),
            Map.entry("fsubr", "d8 e9"),
            Map.entry("fdivr", "d8 f9"),
            Map.entry("fsqrt", "d9 fa"),
            Map.entry("frndint", "d9 fc"),
            Map.entry("fcom", "d8 d1"),
            Map.entry("fucom", "dd e1"),
            Map.entry("fxam", "d9 e5"),
            Map.entry("ftst", "d9 e4"),
            Map.entry("fsts", "d9 13"),
            Map.entry("fstl", "dd 13"),
            Map.entry("fists", "df 13"),
            Map.entry("fistl", "db 13"),
            Map.entry("flds", "d9 03"),
            Map.entry("fldl", "dd 03"));

    private final FpuCpu guest = new FpuCpu();

    @Test
    void resultsAndStatusAreThoseOfAProcessor() throws IOException {
        List<String> wrong = new ArrayList<>();
        List<String> cases = cases();
        for (String line : cases) {
            String answer = run(line);
            if (!line.endsWith(answer)) {
                wrong.add(line + " but " + answer);
            }
        }
        assertThat(cases).hasSizeGreaterThan(1000);
        assertThat(wrong).isEmpty();
    }

    private String run(String line) {
        String[] words = line.split(" ");
        boolean load = words[0].equals("flds") || words[0].equals("fldl");
        guest.fpu.initialize();
        push(words[3]);
        push(load ? words[3] : words[2]);
        guest.fpu.setControl(Integer.parseInt(words[1], 16));
        guest.ram.putLong(FpuCpu.DATA, load ? Long.parseUnsignedLong(words[4], 16) : 0x1111_1111_1111_1111L);
        guest.run(CODES.get(words[0]));
        boolean store = CODES.get(words[0]).endsWith("13");
        return String.format(
                "%016x %04x%016x %04x",
                load || store ? guest.ram.getLong(FpuCpu.DATA) : 0,
                guest.fpu.signExponent(0),
                guest.fpu.significand(0),
                guest.fpu.status());
    }

    private void push(String value) {
        guest.fpu.setTop(guest.fpu.top() - 1);
        int signExponent = Integer.parseInt(value.substring(0, 4), 16);
        guest.fpu.setRegister(0, signExponent, Long.parseUnsignedLong(value.substring(4), 16));
    }

    private static List<String> cases() throws IOException {
        try (InputStream text = X87ResultTests.class.getResourceAsStream("x87.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .toList();
        }
    }
}
