package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LongInterruptFrameTests {

    private static String about(String code) {
        return about(LongGuest.of(LongGuest.STACK + code));
    }

    private static String about(LongGuest guest) {
        return guest.advice().stream()
                .filter(sentence -> sentence.startsWith("iret"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void returnOfAnotherWidthIsRecognized() {
        // push 0x10; push 0x180000; push 2; push 8; lea rax, [rip]; push rax; iretd
        assertThat(about("6a 10 68 00 00 18 00 6a 02 6a 08 48 8d 05 00 00 00 00 50 cf"))
                .startsWith("iretd at 0x10001a pops words of 4 bytes, and the frame on the stack has words of 8,")
                .contains("; write iretq");
    }

    @Test
    void errorCodeThatIsStillOnTheStackIsRecognized() {
        // push 0x10; push 0x180000; push 2; push 8; lea rax, [rip]; push rax; push 0x10; iretq
        String code = "6a 10 68 00 00 18 00 6a 02 6a 08 48 8d 05 00 00 00 00 50 6a 10 48 cf";

        // The gate of #NP leads to where all this begins.
        assertThat(about(LongGuest.of(LongGuest.STACK + LongGuest.LIDT + code).gate(11, 0, 0)))
                .startsWith(
                        "iretq at 0x100024 found 0x10 where the return address should be, and that one, 0x100021, where CS"
                                + " should be: an error code is still on the stack;")
                .endsWith("such as by add rsp, 8");
    }

    @Test
    void wordsThatWereNotPoppedAreCounted() {
        // push 0x10; push 0x180000; push 2; push 8; lea rax, [rip]; push rax; push rbx; push rbx; iretq
        assertThat(about("6a 10 68 00 00 18 00 6a 02 6a 08 48 8d 05 00 00 00 00 50 53 53 48 cf"))
                .startsWith(
                        "iretq at 0x10001c found 0x0, 0x0 on the stack above its frame, which begins with 0x100019 16 bytes"
                                + " above RSP;");
    }

    @Test
    void wordTooManyThatWasRemovedIsRecognized() {
        // push 0x10; push 0x180000; push 2; push 8; lea rax, [rip]; push rax; pop rax; iretq
        assertThat(about("6a 10 68 00 00 18 00 6a 02 6a 08 48 8d 05 00 00 00 00 50 58 48 cf"))
                .startsWith(
                        "iretq at 0x10001b found 0x8 where the return address should be, which is the CS of the frame that"
                                + " begins 8 bytes below RSP:");
    }

    @Test
    void frameTheWrongWayRoundIsRecognized() {
        // lea rax, [rip]; push rax; push 8; push 2; push 0x180000; push 0x10; iretq
        assertThat(about("48 8d 05 00 00 00 00 50 6a 08 6a 02 68 00 00 18 00 6a 10 48 cf"))
                .contains("finds the frame the wrong way round, SS at the top of the stack and RIP last;");
    }

    @Test
    void exchangedSelectorsAreRecognized() {
        // push 0x23; push 0x180000; push 2; push 0x1b; lea rax, [rip]; push rax; iretq
        assertThat(about("6a 23 68 00 00 18 00 6a 02 6a 1b 48 8d 05 00 00 00 00 50 48 cf"))
                .contains("finds 0x1b for CS and 0x23 for SS, which are those of data and of code; exchange them");
    }

    @Test
    void selectorsWithoutTheRingAreRecognized() {
        // push 0x18; push 0x180000; push 2; push 0x20; lea rax, [rip]; push rax; iretq
        assertThat(about("6a 18 68 00 00 18 00 6a 02 6a 20 48 8d 05 00 00 00 00 50 48 cf"))
                .contains(
                        "finds CS 0x20, whose segment is of ring 3 and whose RPL is 0;",
                        ": 0x23 here, and the same for SS");
    }

    @Test
    void nullStackOfRing3IsRecognized() {
        // push 0; push 0x180000; push 2; push 0x23; lea rax, [rip]; push rax; iretq
        assertThat(about("6a 00 68 00 00 18 00 6a 02 6a 23 48 8d 05 00 00 00 00 50 48 cf"))
                .contains("finds CS 0x23, of ring 3, and a null SS, which only rings 0 to 2 of 64-bit code may have;");
    }

    @Test
    void stackOfAnotherRingIsRecognized() {
        // push 0x10; push 0x180000; push 2; push 0x23; lea rax, [rip]; push rax; iretq
        assertThat(about("6a 10 68 00 00 18 00 6a 02 6a 23 48 8d 05 00 00 00 00 50 48 cf"))
                .contains("finds CS 0x23, of ring 3, and SS 0x10, which is a data segment of ring 0 with RPL 0;");
    }

    @Test
    void addressThatIsNotCanonicalIsRecognized() {
        // push 0x10; push 0x180000; push 2; push 8; mov rax, 0x800000100000; push rax; iretq
        assertThat(about("6a 10 68 00 00 18 00 6a 02 6a 08 48 b8 00 00 10 00 00 80 00 00 50 48 cf"))
                .contains("finds 0x800000100000 for RIP, which is not canonical:");
    }

    @Test
    void selectorThatNamesNothingIsNotCalledAWrongFrame() {
        // push 0x10; push 0x180000; push 2; push 0x90; lea rax, [rip]; push rax; iretq
        assertThat(about("6a 10 68 00 00 18 00 6a 02 68 90 00 00 00 48 8d 05 00 00 00 00 50 48 cf"))
                .doesNotContain("finds")
                .doesNotContain("frame");
    }

    @Test
    void otherNumbersOnTheStackAreNoFrame() {
        // push 0x10; push 0x180000; push 0; push 8; lea rax, [rip]; push rax; push rbx; iretq: without RFLAGS
        assertThat(about("6a 10 68 00 00 18 00 6a 00 6a 08 48 8d 05 00 00 00 00 50 53 48 cf"))
                .doesNotContain("frame");
    }

    @Test
    void frameFurtherUpIsNotMeantWhereThereIsOneWithAFlaw() {
        // push 0x10; push 0x180000; push 2; push 8; lea rax, [rip]; push rax
        String outer = "6a 10 68 00 00 18 00 6a 02 6a 08 48 8d 05 00 00 00 00 50";

        // push 0x10; push 0x180000; push 2; push 0x90; lea rax, [rip]; push rax; iretq
        assertThat(about(outer + "6a 10 68 00 00 18 00 6a 02 68 90 00 00 00 48 8d 05 00 00 00 00 50 48 cf"))
                .doesNotContain("above its frame");
    }
}
