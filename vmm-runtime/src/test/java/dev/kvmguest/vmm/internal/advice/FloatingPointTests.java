package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FloatingPointTests {

    /** mov eax,cr0; or al,(a byte that follows); mov cr0,eax */
    private static final String CR0_OR = "0f 20 c0 0c %s 0f 22 c0";

    /** mov eax,0x200; mov cr4,eax: CR4.OSFXSR */
    private static final String OSFXSR = "b8 00 02 00 00 0f 22 e0";

    private static final String EM = CR0_OR.formatted("04");
    private static final String TS = CR0_OR.formatted("08");

    private static List<String> instructionAdvice(String code) {
        return DeadGuest.flat(code).stream()
                .filter(sentence -> sentence.contains("instruction"))
                .toList();
    }

    @ParameterizedTest
    @CsvSource({
        "0f 57 c0, 'an SSE instruction, and CR4.OSFXSR is clear:'", // xorps xmm0,xmm0
        "0f ae 15 00 20 00 00, 'an SSE instruction, and CR4.OSFXSR is clear:'", // ldmxcsr [0x2000]
    })
    void sseWithoutOsfxsrIsTheCompilersDoing(String code, String expected) {
        assertThat(instructionAdvice(code)).singleElement().asString().contains(expected, "-mno-sse", "set CR4.OSFXSR");
    }

    @Test
    void codeOf64BitsIsNotToBeCompiledForAProcessorWithoutSse() {
        assertThat(MappedGuest.advice("0f 57 c0").get(0)) // xorps xmm0,xmm0
                .contains("an SSE instruction, and CR4.OSFXSR is clear:", "-mno-sse", "set CR4.OSFXSR")
                .doesNotContain("-march");
    }

    @Test
    void sseWithEmIsToldApartFromSseWithoutOsfxsr() {
        assertThat(instructionAdvice(OSFXSR + EM + "0f 57 c0")) // xorps xmm0,xmm0
                .singleElement()
                .asString()
                .contains("an SSE instruction, and CR0.EM is set:", "clear CR0.EM before")
                .doesNotContain("OSFXSR");
    }

    @Test
    void mmxWithEmIsToldApartFromSse() {
        assertThat(instructionAdvice(EM + "0f ef c0")) // pxor mm0,mm0
                .singleElement()
                .asString()
                .contains("an MMX instruction, and CR0.EM is set:", "-mno-mmx")
                .doesNotContain("OSFXSR");
    }

    @ParameterizedTest
    @ValueSource(strings = {"d9 ee", "db e3", "0f ae 05 00 20 00 00"}) // fldz; fninit; fxsave [0x2000]
    void x87WithEmNamesTheBit(String code) {
        assertThat(instructionAdvice(EM + code))
                .singleElement()
                .asString()
                .contains("an x87 instruction, and CR0.EM is set:", "-msoft-float", "clear CR0.EM before");
    }

    @ParameterizedTest
    @ValueSource(strings = {"d9 ee", "0f ef c0", OSFXSR + "0f 57 c0"}) // fldz; pxor mm0,mm0; xorps xmm0,xmm0
    void taskSwitchedFlagAsksForClts(String code) {
        assertThat(instructionAdvice(TS + code))
                .singleElement()
                .asString()
                .contains("CR0.TS is set:", "CLTS")
                .doesNotContain("OSFXSR");
    }

    @Test
    void invalidOpcodeThatIsNoFloatingPointIsNotBlamedOnFlags() {
        assertThat(instructionAdvice("0f 0b")).isEmpty(); // ud2
    }

    @Test
    void sseInstructionThatFaultsForItsAddressIsNotBlamedOnFlags() {
        assertThat(instructionAdvice(OSFXSR + "0f 28 05 01 20 00 00")).isEmpty(); // movaps xmm0,[0x2001]: #GP
    }

    @Test
    void instructionIsKnownWhateverItsPrefix() {
        assertThat(instructionAdvice(EM + "f3 d9 ee")) // rep fldz
                .singleElement()
                .asString()
                .contains("rep fldz", "an x87 instruction, and CR0.EM is set:");
    }
}
