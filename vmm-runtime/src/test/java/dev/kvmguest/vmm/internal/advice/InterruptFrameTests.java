package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InterruptFrameTests {

    /**
     * IDT[11] leads to 0x8:0x1027, where what follows stands, and #NP(0x10) comes: mov byte [0x515],0x12; mov dword
     * [0x580],0x00081027; mov dword [0x584],0x00008e00; mov esp,0x9000; mov eax,0x10; mov ds,eax
     */
    private static final String NOT_PRESENT =
            "c6 05 15 05 00 00 12 c7 05 80 05 00 00 27 10 08 00 c7 05 84 05 00 00 00 8e 00 00 bc 00 90 00 00 b8 10 00 00"
                    + "00 8e d8";

    /**
     * IDT[6] leads to 0x8:0x101b, where what follows stands, and #UD comes: mov dword [0x558],0x0008101b; mov dword
     * [0x55c],0x00008e00; mov esp,0x9000; ud2
     */
    private static final String INVALID_OPCODE =
            "c7 05 58 05 00 00 1b 10 08 00 c7 05 5c 05 00 00 00 8e 00 00 bc 00 90 00 00 0f 0b";

    private static String about(String code) {
        return DeadGuest.flat(code).stream()
                .filter(sentence -> sentence.contains("frame") || sentence.contains("error code"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void errorCodeThatIsStillOnTheStackIsRecognized() {
        assertThat(DeadGuest.flat(NOT_PRESENT + "cf").get(0)) // iretd
                .startsWith(
                        "iretd at 0x1027 found 0x10 where the return address should be, and that one, 0x1025, where CS"
                                + " should be: an error code is still on the stack;")
                .endsWith("such as by add esp, 4");
    }

    @Test
    void selectorThatIsAReturnAddressIsNotToldOfByItself() {
        assertThat(DeadGuest.flat(NOT_PRESENT + "cf")) // iretd
                .noneMatch(sentence -> sentence.contains("loads the selector"));
    }

    @Test
    void handlerWithoutAnErrorCodeHasForgottenAPush() {
        assertThat(about(INVALID_OPCODE + "50 cf")) // push eax; iretd
                .isEqualTo(
                        "iretd at 0x101c found 0x0 on the stack above its frame, which begins with 0x1019 4 bytes above"
                                + " ESP; pop what the handler pushed, and remove the error code of exceptions that have one,"
                                + " before IRET");
    }

    @Test
    void numberThatIsNoErrorCodeIsSomethingThatWasPushed() {
        // add esp,4; push 0x10000; iretd
        assertThat(about(NOT_PRESENT + "83 c4 04 68 00 00 01 00 cf"))
                .startsWith("iretd at 0x102f found 0x10000 on the stack above its frame");
    }

    @Test
    void errorCodeUnderWhatTheHandlerPushedIsCountedToo() {
        assertThat(about(NOT_PRESENT + "6a 0d cf")) // push 13; iretd
                .startsWith("iretd at 0x1029 found 0xd, 0x10 on the stack above its frame, which begins with 0x1025 8"
                        + " bytes above ESP;");
    }

    @ParameterizedTest
    @CsvSource({"6a 00", "9c"}) // push 0; pushfd: with EFLAGS in its place
    void frameIsOneOnlyWithItsFlags(String third) {
        // mov esp,0x9000; (the third word); push 8; push 0x1000; push 0; iretd
        String code = "bc 00 90 00 00" + third + "6a 08 68 00 10 00 00 6a 00 cf";

        assertThat(about(code).contains("above its frame")).isEqualTo(third.equals("9c"));
    }

    @ParameterizedTest
    @CsvSource({"08, true", "10, false"}) // code; data
    void frameIsOneOnlyWithASelectorOfCode(String selector, boolean expected) {
        // mov esp,0x9000; push 2; push (the selector); push 0x1000; push 0; iretd
        assertThat(about("bc 00 90 00 00 6a 02 6a" + selector + "68 00 10 00 00 6a 00 cf")
                        .contains("above its frame"))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"10, true", "30, false"}) // 0x1000, where the image is; 0x3000
    void frameIsOneOnlyWithAReturnAddressInTheImage(String page, boolean expected) {
        // mov esp,0x9000; push 2; push 8; push (the address); push 0; iretd
        assertThat(about("bc 00 90 00 00 6a 02 6a 08 68 00" + page + "00 00 6a 00 cf")
                        .contains("above its frame"))
                .isEqualTo(expected);
    }

    @Test
    void wordTooManyThatWasRemovedIsRecognized() {
        assertThat(about(INVALID_OPCODE + "58 cf")) // pop eax; iretd
                .startsWith(
                        "iretd at 0x101c found 0x8 where the return address should be, which is the CS of the frame that"
                                + " begins 4 bytes below ESP: one word too many was removed");
    }

    @Test
    void otherFrameThatIsWrongIsNotBlamedOnWhatLiesBesideIt() {
        // mov esp,0x9000; push 2; push 0x1000; push 8; iretd: CS and EIP swapped
        assertThat(DeadGuest.flat("bc 00 90 00 00 6a 02 68 00 10 00 00 6a 08 cf"))
                .noneMatch(sentence -> sentence.contains("frame") || sentence.contains("error code"))
                .first()
                .asString()
                .contains("loads the selector 0x1000, which is beyond the GDT's limit 0x27; it takes a code segment");
    }

    @Test
    void otherInstructionThatLoadsASelectorFindsNoFrame() {
        // mov esp,0x9000; push 2; push 8; push 0x1000; push 0; retf: CS 0x1000 as well
        assertThat(about("bc 00 90 00 00 6a 02 6a 08 68 00 10 00 00 6a 00 cb")).isEqualTo("nothing");
    }
}
