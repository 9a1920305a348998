package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MissingFeatureTests {

    private static String about(String code) {
        return LongGuest.of(code).advice().stream()
                .filter(sentence -> sentence.contains("CR4.") || sentence.contains("this processor doesn't have"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void instructionThatIsSwitchedOffNamesTheBit() {
        assertThat(about("31 c9 0f 01 d0")) // xor ecx, ecx; xgetbv
                .startsWith("xgetbv at 0x100002 is #UD, since CR4.OSXSAVE (bit 18) is clear;");
        assertThat(about("f3 48 0f ae c0")) // rdfsbase rax
                .startsWith("rdfsbase rax at 0x100000 is #UD, since CR4.FSGSBASE (bit 16) is clear;");
    }

    @Test
    void instructionThatIsSwitchedOnIsNotBlamed() {
        // mov rax, cr4; bts rax, 16; mov cr4, rax; rdfsbase rax; ud2
        assertThat(about("0f 20 e0 48 0f ba e8 10 0f 22 e0 f3 48 0f ae c0 0f 0b"))
                .isEqualTo("nothing");
    }

    @ParameterizedTest
    @CsvSource({
        "c5 fd ef c0, 'is VEX-encoded (AVX or BMI),'", // vpxor ymm0, ymm0, ymm0
        "62 f1 7d 48 ef c0, 'is EVEX-encoded (AVX-512),'", // vpxord zmm0, zmm0, zmm0
        "48 0f c7 f8, 'is RDSEED,'", // rdseed rax
        "f3 0f c7 f8, 'is RDPID,'", // rdpid rax
        "66 0f 38 82 07, 'is INVPCID,'", // invpcid rax, [rdi]
        "0f 01 c8, 'is MONITOR,'",
        "66 0f 38 dc c1, 'is AESENC,'", // aesenc xmm0, xmm1
    })
    void instructionOfALaterProcessorIsNamed(String code, String expected) {
        assertThat(about(code)).startsWith("the instruction at 0x100000 (").contains(expected);
    }

    @Test
    void otherUndefinedBytesAreNotNamed() {
        assertThat(about("0f 01 c5")).isEqualTo("nothing"); // PCONFIG, which nobody uses
        assertThat(about("06")).isEqualTo("nothing"); // PUSH ES of 32-bit code
    }

    @Test
    void dataThatWasExecutedIsNotTakenForAvx() {
        // mov eax, 0x200000; mov dword [rax], 0xc0effdc5; jmp rax
        assertThat(about("b8 00 00 20 00 c7 00 c5 fd ef c0 ff e0")).isEqualTo("nothing");
    }
}
