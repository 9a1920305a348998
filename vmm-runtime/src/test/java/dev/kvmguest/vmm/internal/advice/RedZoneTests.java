package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RedZoneTests {

    private static final int LEAF = 0x40;
    private static final int HANDLER = 0x500;

    /** Calls the function at 0x40: mov edi, 0x190000; mov rcx, 0x7ffff0000000; mov eax, 0x100040; call rax */
    private static final String CALL = "bf 00 00 19 00 48 b9 00 00 00 f0 ff 7f 00 00 b8 40 00 10 00 ff d0";

    /** push rax; push rcx; push rdx; push rbx; pop rbx; pop rdx; pop rcx; pop rax; iretq */
    private static final String SAVES = "50 51 52 53 5b 5a 59 58 48 cf";

    private static LongGuest guest(String leaf) {
        return LongGuest.of(LongGuest.STACK + LongGuest.LIDT + CALL)
                .at(LEAF, leaf)
                .symbol("leaf", LEAF, 0x40)
                .at(HANDLER, SAVES)
                .gate(0x20, HANDLER, 0);
    }

    private static String about(LongGuest guest) {
        return guest.advice().stream()
                .filter(sentence -> sentence.contains("red zone"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void variableUnderTheFrameIsFound() {
        // mov [rsp-0x10], rdi; int 0x20; mov rax, [rsp-0x10]; mov rax, [rax+rcx]; ret
        assertThat(about(guest("48 89 7c 24 f0 cd 20 48 8b 44 24 f0 48 8b 04 08 c3")))
                .startsWith(
                        "mov rax, [rsp-0x10] at 0x100047 (leaf+0x7) read a variable at 0x17ffe8, 16 bytes below RSP, that an"
                                + " interrupt at 0x100047 (leaf+0x7) had overwritten,")
                .contains("leaf keeps variables in the red zone", "-mno-red-zone");
    }

    @Test
    void variableUnderWhatTheHandlerPushedIsFoundByAReplay() {
        // mov [rsp-0x40], rdi; int 0x20; mov rax, [rsp-0x40]; mov rax, [rax+rcx]; ret
        assertThat(about(guest("48 89 7c 24 c0 cd 20 48 8b 44 24 c0 48 8b 04 08 c3")))
                .contains("64 bytes below RSP, that an interrupt at 0x100047 (leaf+0x7) had overwritten,");
    }

    @Test
    void variableThatWasSetAfterTheInterruptIsNotBlamedOnIt() {
        // mov [rsp-0x10], rdi; int 0x20; mov [rsp-0x10], rdi; mov rax, [rsp-0x10]; mov rax, [rax+rcx]; ret
        assertThat(about(guest("48 89 7c 24 f0 cd 20 48 89 7c 24 f0 48 8b 44 24 f0 48 8b 04 08 c3")))
                .isEqualTo("nothing");
        // mov [rsp-0x40], rdi; int 0x20; mov [rsp-0x40], rdi; mov rax, [rsp-0x40]; mov rax, [rax+rcx]; ret
        assertThat(about(guest("48 89 7c 24 c0 cd 20 48 89 7c 24 c0 48 8b 44 24 c0 48 8b 04 08 c3")))
                .isEqualTo("nothing");
    }

    @Test
    void functionThatMakesRoomForItsVariablesIsNotBlamed() {
        // sub rsp, 0x18; mov [rsp+8], rdi; int 0x20; mov rax, [rsp+8]; mov rax, [rax+rcx]; ret
        assertThat(about(guest("48 83 ec 18 48 89 7c 24 08 cd 20 48 8b 44 24 08 48 8b 04 08 c3")))
                .isEqualTo("nothing");
    }

    @Test
    void leafFunctionThatWasNotInterruptedIsNotBlamed() {
        // mov [rsp-0x10], rdi; mov rax, [rsp-0x10]; mov rax, [rax+rcx]; ret
        assertThat(about(guest("48 89 7c 24 f0 48 8b 44 24 f0 48 8b 04 08 c3"))).isEqualTo("nothing");
    }

    @Test
    void exceptionWhoseOwnFrameIsThereNowIsExplainedFromBefore() {
        // mov [rsp-0x10], rdi; int 0x20; mov rax, [rsp-0x10]; mov rax, [rax+rcx]; ret; the handler of #PF: ud2
        LongGuest guest = guest("48 89 7c 24 f0 cd 20 48 8b 44 24 f0 48 8b 04 08 c3")
                .at(0x580, "0f 0b")
                .gate(14, 0x580, 0);

        assertThat(about(guest))
                .contains("16 bytes below RSP, that an interrupt at 0x100047 (leaf+0x7) had overwritten,");
    }

    @Test
    void frameOfTheExceptionItselfIsNoInterrupt() {
        // mov [rsp-0x10], rdi; mov rax, [rsp-0x10]; mov rax, [rax+rcx]; ret; the handler of #PF: ud2
        LongGuest guest = guest("48 89 7c 24 f0 48 8b 44 24 f0 48 8b 04 08 c3")
                .at(0x580, "0f 0b")
                .gate(14, 0x580, 0);

        assertThat(about(guest)).isEqualTo("nothing");
    }
}
