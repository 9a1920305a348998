package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CpuidResultTests {

    @Test
    void pointerThatCpuidOverwroteIsTold() {
        // mov eax,0; cpuid; mov eax,[ebx]
        assertThat(DeadGuest.paged("b8 00 00 00 00 0f a2 8b 03"))
                .first()
                .asString()
                .isEqualTo(
                        "EBX is 0x756e6547, as cpuid at 0x80001005 left it, and mov eax, [ebx] at 0x80001007 uses it as"
                                + " a pointer; CPUID writes EAX, EBX, ECX and EDX: save what a boot loader or a caller has put"
                                + " there before it, such as the address of the boot information in EBX");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // mov eax,0; cpuid; mov ebx,0x70000000; mov eax,[ebx]: written after it
                "b8 00 00 00 00 0f a2 bb 00 00 00 70 8b 03",
                // mov esi,0x70000000; mov eax,0; cpuid; mov eax,[esi]: another register
                "be 00 00 00 70 b8 00 00 00 00 0f a2 8b 06",
                // mov ebx,0x70000000; mov eax,[ebx]
                "bb 00 00 00 70 8b 03",
            })
    void otherPointersAreNot(String code) {
        assertThat(DeadGuest.paged(code)).noneMatch(said -> said.contains("CPUID writes"));
    }
}
