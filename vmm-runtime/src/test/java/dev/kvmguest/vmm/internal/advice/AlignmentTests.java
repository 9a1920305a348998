package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AlignmentTests {

    /** mov rsp,0x180000; mov rax,cr4; or eax,0x200; mov cr4,rax: a stack and CR4.OSFXSR. */
    private static final String START = "48 c7 c4 00 00 18 00 0f 20 e0 0d 00 02 00 00 0f 22 e0";

    @Test
    void callWithAnUnalignedStackIsFound() {
        // push rax; call f; hlt; f: sub rsp,24; movaps [rsp],xmm0
        assertThat(MappedGuest.advice(START + "50 e8 01 00 00 00 f4 48 83 ec 18 0f 29 04 24")
                        .get(0))
                .isEqualTo(
                        "movaps [rsp], xmm0 at 0x10001d needs an address that 16 divides, and not 0x17ffd8 on the stack: RSP"
                                + " was 0x17fff8 at call 0x100019 at 0x100013, where 16 has to divide it, since mov rsp, 0x180000 at"
                                + " 0x100000 set it; have 16 divide RSP before each CALL of compiled code: in an entry stub, and in a"
                                + " handler's by 8 bytes more or less");
    }

    @Test
    void functionThatLosesTheAlignmentItselfIsNotBlamedOnItsCaller() {
        // push rax; push rcx; call f; hlt; f: sub rsp,16; movaps [rsp],xmm0
        assertThat(MappedGuest.advice(START + "50 51 e8 01 00 00 00 f4 48 83 ec 10 0f 29 04 24")
                        .get(0))
                .contains("and not 0x17ffd8 on the stack: RSP is 0x17ffd8; have 16 divide RSP");
    }

    @Test
    void operandInTheImageIsToldApartFromOneOnTheStack() {
        // movaps xmm1,[0x100808]
        assertThat(MappedGuest.advice(START + "0f 28 0c 25 08 08 10 00").get(0))
                .startsWith(
                        "movaps xmm1, [0x100808] at 0x100012 needs an address that 16 divides, and not 0x100808; align the"
                                + " variable to 16 bytes");
    }

    @Test
    void variableAboveTheStackIsNotOnIt() {
        // movaps xmm1,[0x180808], above where RSP has ever been
        assertThat(MappedGuest.advice(START + "0f 28 0c 25 08 08 18 00").get(0)).contains("and not 0x180808; align");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                START + "0f 10 4c 24 f8 0f 0b", // movups xmm1,[rsp-8]; ud2
                START + "0f 28 4c 24 f0 0f 0b", // movaps xmm1,[rsp-16]; ud2
                START + "48 b9 78 56 34 12 78 56 34 12 0f 28 09", // mov rcx,0x1234567812345678; movaps xmm1,[rcx]
                START + "f3 0f 10 4c 24 f9 0f 0b", // movss xmm1,[rsp-7]; ud2
            })
    void otherInstructionsAndFaultsAreNone(String code) {
        assertThat(MappedGuest.advice(code)).noneMatch(sentence -> sentence.contains("16 divides"));
    }

    @Test
    void operandIsToldIn32BitCodeToo() {
        // mov eax,cr4; or eax,0x200; mov cr4,eax; movaps xmm0,[0x2008]
        assertThat(DeadGuest.flat("0f 20 e0 0d 00 02 00 00 0f 22 e0 0f 28 05 08 20 00 00")
                        .get(0))
                .startsWith("movaps xmm0, [0x2008] at 0x100b needs an address that 16 divides, and not 0x2008; align");
    }
}
