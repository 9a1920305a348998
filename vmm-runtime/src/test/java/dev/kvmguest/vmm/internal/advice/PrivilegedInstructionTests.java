package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrivilegedInstructionTests {

    private static String about(String code) {
        return LongGuest.of(LongGuest.STACK + LongGuest.RING_3 + code).advice().stream()
                .filter(sentence -> sentence.contains("was executed in ring 3"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void instructionOfRing0IsNamed() {
        assertThat(about("f4")) // hlt
                .matches(
                        "hlt at 0x\\w+ was executed in ring 3 \\(CS is 0x23\\), and is for ring 0 only; programs ask.*");
    }

    @ParameterizedTest
    @CsvSource({
        "e4 60, 'where ports are allowed only by EFLAGS.IOPL, which is 0,'", // in al, 0x60
        "fa, 'where it is allowed only up to the ring in EFLAGS.IOPL, which is 0;'", // cli
        "0f 20 d8, 'and is for ring 0 only;'", // mov rax, cr3
    })
    void reasonIsThatOfTheInstruction(String code, String expected) {
        assertThat(about(code)).contains(expected);
    }

    @Test
    void userModeInstructionPreventionIsNamed() {
        // mov rax, cr4; bts rax, 11; mov cr4, rax
        String prevention = "0f 20 e0 48 0f ba e8 0b 0f 22 e0";

        // sgdt [0x190000]
        assertThat(LongGuest.of(LongGuest.STACK + prevention + LongGuest.RING_3 + "0f 01 04 25 00 00 19 00")
                        .advice())
                .anyMatch(sentence -> sentence.contains("where CR4.UMIP forbids it;"));
    }

    @Test
    void instructionThatFaultsForItsAddressIsNotBlamed() {
        // mov rax, 0x800000000000; mov rax, [rax]
        assertThat(about("48 b8 00 00 00 00 00 80 00 00 48 8b 00")).isEqualTo("nothing");
    }

    @Test
    void ring0IsNotTold() {
        // mov rax, 0x800000000000; invlpg [rax]; ud2
        assertThat(LongGuest.of("48 b8 00 00 00 00 00 80 00 00 0f 01 38 0f 0b").advice())
                .noneMatch(sentence -> sentence.contains("was executed in ring 3"));
    }
}
