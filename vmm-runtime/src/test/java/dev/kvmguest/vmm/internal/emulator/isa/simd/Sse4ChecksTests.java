package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What SSSE3 to SSE4.2 check before they do anything (Intel SDM volume 2A, tables 2-18 to 2-21 and each instruction), and
 * which of their operands in memory have to be aligned.
 */
class Sse4ChecksTests {

    private final FpuCpu guest = new FpuCpu();

    /** SSSE3, PALIGNR last, each with an operand in memory at EBX and the displacement that follows. */
    static Stream<String> mmx() {
        return Stream.concat(
                IntStream.concat(IntStream.rangeClosed(0, 0xb), IntStream.rangeClosed(0x1c, 0x1e))
                        .mapToObj(opcode -> String.format(Locale.ROOT, "0f 38 %02x 43 ", opcode)),
                Stream.of("0f 3a 0f 43 "));
    }

    /** Those that work on 16 bytes. */
    static Stream<String> aligned() {
        Stream<String> ssse3 = mmx().map(code -> "66 " + code);
        IntStream sse4 = IntStream.of(
                0x10, 0x14, 0x15, 0x17, 0x28, 0x29, 0x2a, 0x2b, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
                0x40, 0x41);
        IntStream withImmediate = IntStream.of(0x08, 0x09, 0x0c, 0x0d, 0x0e, 0x40, 0x41, 0x42);
        return Stream.of(
                        ssse3,
                        sse4.mapToObj(opcode -> String.format(Locale.ROOT, "66 0f 38 %02x 43 ", opcode)),
                        withImmediate.mapToObj(opcode -> String.format(Locale.ROOT, "66 0f 3a %02x 43 ", opcode)))
                .flatMap(codes -> codes);
    }

    /** Those that work on fewer bytes, and the comparisons of strings. */
    static Stream<String> unaligned() {
        IntStream extensions = IntStream.concat(IntStream.rangeClosed(0x20, 0x25), IntStream.rangeClosed(0x30, 0x35));
        IntStream withImmediate =
                IntStream.of(0x0a, 0x0b, 0x14, 0x15, 0x16, 0x17, 0x20, 0x21, 0x22, 0x60, 0x61, 0x62, 0x63);
        return Stream.concat(
                extensions.mapToObj(opcode -> String.format(Locale.ROOT, "66 0f 38 %02x 43 ", opcode)),
                withImmediate.mapToObj(opcode -> String.format(Locale.ROOT, "66 0f 3a %02x 43 ", opcode)));
    }

    static Stream<String> xmm() {
        return Stream.concat(aligned(), unaligned());
    }

    private static String at(String code, int displacement) {
        return String.format(Locale.ROOT, "%s %02x%s", code, displacement, code.contains("0f 3a") ? " 00" : "");
    }

    @ParameterizedTest
    @MethodSource("xmm")
    void theyAreUndefinedUnlessTheSystemHasEnabledThem(String code) {
        String at = at(code, 0x10);
        assertThatCode(() -> guest.run(at)).doesNotThrowAnyException();
        guest.cr0(Cr0.TS, true).assertFault(at, Vector.NM);
        guest.cr0(Cr0.EM, true).assertFault(at, Vector.UD);
        guest.cr0(Cr0.EM, false).cpu.setCr4(0);
        guest.assertFault(at, Vector.UD);
    }

    @ParameterizedTest
    @MethodSource("aligned")
    void sixteenBytesAreOnTheirBoundary(String code) {
        for (int displacement : List.of(1, 4, 8)) {
            guest.assertFault(at(code, displacement), Vector.GP);
        }
    }

    @ParameterizedTest
    @MethodSource("unaligned")
    void othersAreAnywhere(String code) {
        assertThatCode(() -> guest.run(at(code, 1))).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @MethodSource("mmx")
    void thoseOfMmxChangeToItAndNeedNoSse(String code) {
        String at = at(code, 3);
        guest.cpu.setCr4(0);
        guest.run("d9 e8").run(at); // fld1
        assertThat(guest.fpu.top()).isZero();
        assertThat(guest.fpu.used()).isEqualTo(0xff);
        assertThat(guest.fpu.signExponent(0)).isEqualTo(0xffff);

        guest.cr0(Cr0.TS, true).assertFault(at, Vector.NM);
        guest.cr0(Cr0.EM, true).assertFault(at, Vector.UD);
        guest.cr0(Cr0.EM | Cr0.TS, false);
        guest.fpu.setControl(0x37f & ~FpuState.INVALID);
        guest.fpu.raise(FpuState.INVALID);
        guest.assertFault(at, Vector.MF);
    }

    @ParameterizedTest
    @ValueSource(strings = {"f2 0f 38 f1 03", "f2 0f 38 f0 c1", "f3 0f b8 c1"})
    void thoseOfGeneralRegistersNeedNoState(String code) {
        guest.cr0(Cr0.EM | Cr0.TS, true).cpu.setCr4(0);

        assertThatCode(() -> guest.run(code)).doesNotThrowAnyException();
    }

    @Test
    void memoryGetsNoMoreThanWhatIsExtracted() {
        guest.ram.putLong(FpuCpu.DATA, -1);
        guest.xmm(0, 0x0f0e_0d0c_0b0a_0908L, 0x0706_0504_0302_0100L);

        guest.run("66 0f 3a 14 03 09"); // pextrb [ebx], xmm0, 9
        assertThat(guest.ram.getLong(FpuCpu.DATA)).isEqualTo(0xffff_ffff_ffff_ff09L);
        guest.run("66 0f 3a 15 03 0e"); // pextrw [ebx], xmm0, 14: the sixth
        assertThat(guest.ram.getLong(FpuCpu.DATA)).isEqualTo(0xffff_ffff_ffff_0d0cL);
        guest.run("66 0f 3a 16 03 07"); // pextrd [ebx], xmm0, 7: the third
        assertThat(guest.ram.getLong(FpuCpu.DATA)).isEqualTo(0xffff_ffff_0f0e_0d0cL);
        guest.run("66 0f 3a 17 03 01"); // extractps [ebx], xmm0, 1
        assertThat(guest.ram.getLong(FpuCpu.DATA)).isEqualTo(0xffff_ffff_0706_0504L);
    }

    @Test
    void insertpsTakesTheSingleThatIsInMemory() {
        guest.ram.putInt(FpuCpu.DATA, 0x1234_5678);
        guest.xmm(0, -1, -1).run("66 0f 3a 21 03 d1"); // insertps xmm0, [ebx], 0xd1

        assertThat(guest.low(0)).isEqualTo(0x1234_5678_0000_0000L);
        assertThat(guest.high(0)).isEqualTo(-1);
    }

    @Test
    void stringsInMemoryAreTheSecondOperand() {
        guest.ram.put(FpuCpu.DATA + 1, "needle in a hays".getBytes(StandardCharsets.US_ASCII));
        guest.xmm(0, 0, 'a' << 8 | ' ').run("66 0f 3a 63 43 01 0c"); // pcmpistri xmm0, [ebx+1], 0xc: substring

        assertThat(guest.cpu.registers.gpr[Registers.RCX]).isEqualTo(9);
    }
}
