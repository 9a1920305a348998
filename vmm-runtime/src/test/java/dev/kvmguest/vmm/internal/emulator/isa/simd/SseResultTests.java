package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Arithmetic, comparisons and conversions on operands of every kind, under many settings of MXCSR, beside what a processor
 * has answered.
 *
 * <p>{@code sse.txt} has one case a line: the instruction, MXCSR, flags, XMM0 and XMM1, high half first; then, behind
 * {@code =}, {@code xm} for #XM, or MXCSR, flags, EAX and XMM0. ECX is the lowest quarter of XMM1.
 */
class SseResultTests {

    private static final long LOW_32 = 0xffff_ffffL;
    private static final long EAX = 0xaaaa_aaaaL;

    @Test
    void resultsAndExceptionsAreThoseOfAProcessor() throws IOException {
        List<String> wrong = new ArrayList<>();
        List<String> cases = cases();
        FpuCpu guest = new FpuCpu();
        for (String line : cases) {
            String answer = run(guest, line.substring(0, line.indexOf('=')).split(" "));
            if (!line.endsWith("= " + answer)) {
                wrong.add(line + " but " + answer);
            }
        }
        assertThat(cases).hasSizeGreaterThan(1000);
        assertThat(wrong).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "0f 53 c1, 40800000, 3e800000", // rcpps of 4
        "0f 53 c1, 80000000, ff800000",
        "0f 53 c1, 00000001, 7f800000",
        "0f 53 c1, 7f000000, 00000000",
        "0f 53 c1, ff800000, 80000000",
        "0f 53 c1, 7f800001, 7fc00001",
        "f3 0f 53 c1, 40800000, 3e800000",
        "0f 52 c1, 40800000, 3f000000", // rsqrtps of 4
        "0f 52 c1, bf800000, ffc00000",
        "0f 52 c1, 80000000, ff800000",
        "0f 52 c1, 80000001, ff800000",
        "0f 52 c1, 7f800000, 00000000"
    })
    void approximationsRaiseNothing(String code, String operand, String result) {
        FpuCpu guest = new FpuCpu();
        guest.xmm(1, 0, bits(operand)).run(code);

        assertThat(guest.low(0) & LOW_32).isEqualTo(bits(result));
        assertThat(guest.fpu.mxcsr()).isEqualTo(0x1f80);
    }

    private static String run(FpuCpu guest, String[] words) {
        guest.fpu.setMxcsr(Integer.parseInt(words[1], 16));
        guest.cpu.eflags.set(Integer.parseInt(words[2], 16));
        guest.cpu.registers.gpr[0] = EAX;
        guest.cpu.registers.gpr[1] = bits(words[6]) & LOW_32;
        guest.xmm(0, bits(words[3]), bits(words[4])).xmm(1, bits(words[5]), bits(words[6]));
        try {
            guest.run(words[0]);
        } catch (CpuFault fault) {
            assertThat(fault.vector()).isEqualTo(Vector.XM);
            assertThat(guest.high(0)).isEqualTo(bits(words[3]));
            assertThat(guest.low(0)).isEqualTo(bits(words[4]));
            return "xm";
        }
        return String.format(
                "%04x %03x %08x %016x %016x",
                guest.fpu.mxcsr(),
                guest.cpu.eflags.get() & Flag.ARITHMETIC,
                guest.cpu.registers.gpr[0],
                guest.high(0),
                guest.low(0));
    }

    private static long bits(String hex) {
        return Long.parseUnsignedLong(hex, 16);
    }

    private static List<String> cases() throws IOException {
        try (InputStream text = SseResultTests.class.getResourceAsStream("sse.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .toList();
        }
    }
}
