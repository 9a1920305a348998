package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ControlRegisterMoveTests {

    private static String about(String code) {
        return LongGuest.of(code).advice().stream()
                .filter(sentence -> sentence.contains(" to CR") || sentence.contains(" to XCR"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void featureThatIsNotThereIsNamed() {
        // mov rax, cr4; bts rax, 17; mov cr4, rax
        assertThat(about("0f 20 e0 48 0f ba e8 11 0f 22 e0"))
                .isEqualTo(
                        "mov cr4, rax at 0x100008 writes 0x20020 to CR4, in which PCIDE (bit 17) is not there on this"
                                + " processor; ask CPUID for a feature before its bit is set in CR4");
    }

    @Test
    void featureThatIsThereIsNotBlamed() {
        // mov rax, cr4; bts rax, 20; mov cr4, rax; ud2
        assertThat(about("0f 20 e0 48 0f ba e8 14 0f 22 e0 0f 0b")).isEqualTo("nothing");
    }

    @Test
    void upperHalfOfCr0IsReserved() {
        // mov rax, cr0; bts rax, 32; mov cr0, rax
        assertThat(about("0f 20 c0 48 0f ba e8 20 0f 22 c0"))
                .contains("writes 0x180000011 to CR0, of which bits 63 to 32 are reserved;");
    }

    @Test
    void cachesHaveTwoBits() {
        // mov rax, cr0; bts rax, 29; mov cr0, rax
        assertThat(about("0f 20 c0 48 0f ba e8 1d 0f 22 c0")).contains("which sets NW (bit 29) without CD (bit 30);");
    }

    @Test
    void bitsThatNoAddressHasAreReservedInCr3() {
        // mov rax, cr3; bts rax, 50; mov cr3, rax
        assertThat(about("0f 20 d8 48 0f ba e8 32 0f 22 d8"))
                .contains("writes 0x4000000071000 to CR3, in which the bits 0x4000000000000 are reserved;");
    }

    @Test
    void wayOutOfLongModeIsNotExplainedHere() {
        // mov eax, 1; mov cr0, rax
        assertThat(about("b8 01 00 00 00 0f 22 c0")).isEqualTo("nothing");
    }

    @Test
    void prioritiesHaveFourBits() {
        // mov eax, 0x20; mov cr8, rax
        assertThat(about("b8 20 00 00 00 44 0f 22 c0")).contains("to CR8, which takes a priority from 0 to 15;");
    }

    @Test
    void stateThatIsNotThereIsNotSwitchedOn() {
        // mov rax, cr4; or rax, 0x40200; mov cr4, rax; xor ecx, ecx; mov eax, 7; xor edx, edx; xsetbv
        assertThat(about("0f 20 e0 48 0d 00 02 04 00 0f 22 e0 31 c9 b8 07 00 00 00 31 d2 0f 01 d1"))
                .contains(
                        "xsetbv at 0x100015 writes 0x7 to XCR0, in which the bits 0x4 are of state that this processor");
    }

    @Test
    void protectedModeHasTheSameRegisters() {
        // mov eax, 0x80000000; mov cr4, eax
        assertThat(DeadGuest.flat("b8 00 00 00 80 0f 22 e0").get(0))
                .startsWith("mov cr4, eax at 0x1005 writes 0x80000000 to CR4, in which bit 31 is not there");
    }
}
