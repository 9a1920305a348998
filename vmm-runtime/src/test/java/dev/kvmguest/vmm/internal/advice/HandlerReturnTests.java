package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HandlerReturnTests {

    private static final int HANDLER = 0x500;
    private static final String READY = LongGuest.STACK + LongGuest.LIDT;

    private static String about(LongGuest guest) {
        return guest.advice().stream()
                .filter(sentence -> sentence.contains("the handler of") || sentence.contains("of an interrupt's frame"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void returnOfAnotherWidthIsFoundInAStorm() {
        // ud2; handlers of #UD and #GP: iretd
        assertThat(about(LongGuest.of(READY + "0f 0b")
                        .at(HANDLER, "cf")
                        .gate(6, HANDLER, 0)
                        .gate(13, HANDLER, 0)))
                .startsWith("the handler of #UD ends with iretd at 0x100500, which pops words of 4 bytes,");
    }

    @Test
    void errorCodeThatIsLeftIsFoundInAStorm() {
        // mov eax, 0x40; mov fs, eax; handler of #GP: iretq
        assertThat(about(LongGuest.of(READY + "b8 40 00 00 00 8e e0")
                        .at(HANDLER, "48 cf")
                        .gate(13, HANDLER, 0)))
                .startsWith(
                        "the handler of #GP ends with iretq at 0x100500, which took the return address 0x100014 for CS: the"
                                + " error code is still on the stack;");
    }

    @Test
    void wordThatIsLeftIsToldApartFromAnErrorCode() {
        // ud2; handlers: push rax; push rbx; pop rbx; iretq
        assertThat(about(LongGuest.of(READY + "0f 0b")
                        .at(HANDLER, "50 53 5b 48 cf")
                        .gate(6, HANDLER, 0)
                        .gate(13, HANDLER, 0)))
                .contains(
                        "which took the return address 0x10000f for CS: one word is still on the stack above the frame;");
    }

    @Test
    void handlerThatIsAnOrdinaryFunctionIsFound() {
        // ud2; handler: ret
        assertThat(about(LongGuest.of(READY + "0f 0b").at(HANDLER, "c3").gate(6, HANDLER, 0)))
                .startsWith("the handler of #UD at 0x100500 ends with a RET at 0x100500, as a function does,");
    }

    @Test
    void handlerThatFallsIntoTheSameMistakeIsNotBlamedForItsEnd() {
        // mov eax, 0x100040; call rax
        LongGuest guest = LongGuest.of(READY + "b8 40 00 10 00 ff d0")
                .at(0x40, "0f 0b c3") // ud2; ret
                .at(HANDLER, "b8 40 00 10 00 ff d0 48 cf") // mov eax, 0x100040; call rax; iretq
                .gate(6, HANDLER, 0);

        assertThat(about(guest)).isEqualTo("nothing");
    }

    @Test
    void restOfAFrameThatRetHasLeftIsRecognized() {
        // mov eax, 0x100040; call rax
        LongGuest guest = LongGuest.of(READY + "b8 40 00 10 00 ff d0")
                .at(0x40, "cd 20 c3") // int 0x20; ret
                .at(HANDLER, "ff c0 c3") // inc eax; ret
                .gate(0x20, HANDLER, 0);

        assertThat(about(guest))
                .startsWith("execution went to 0x8, ")
                .contains(
                        "; that is CS of an interrupt's frame, whose return address 0x100042 was taken by a RET, as at the end"
                                + " of the handler of vector 32:");
    }

    @Test
    void smallNumberThatWasPushedIsNoFrame() {
        // push 8; ret
        assertThat(about(LongGuest.of(READY + "6a 08 c3"))).isEqualTo("nothing");
    }
}
