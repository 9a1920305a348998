package dev.kvmguest.vmm.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.GuestImage;
import dev.kvmguest.vmm.TestGuest;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ExecutionTests {

    private static String text(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void jumpThroughAPointerToUnmappedMemoryIsTold() {
        assertThat(DeadGuest.paged("b8 00 00 00 70 ff e0").get(0)) // mov eax,0x70000000; jmp eax
                .startsWith(
                        "execution went to 0x70000000, which is not mapped, after jmp eax at 0x80001005; look at where"
                                + " that address comes from");
    }

    @Test
    void returnToAWrongAddressIsTold() {
        // mov esp,0x9000; push 0x70000000; ret
        assertThat(DeadGuest.paged("bc 00 90 00 00 68 00 00 00 70 c3").get(0))
                .startsWith(
                        "execution went to 0x70000000, which is not mapped, after ret at 0x8000100a; the return address");
    }

    @Test
    void jumpToZeroIsToldWhereItEnds() {
        // mov eax,0x70000000; xor ecx,ecx; jmp ecx: add [eax],al at 0
        assertThat(DeadGuest.paged("b8 00 00 00 70 31 c9 ff e1").get(0))
                .startsWith(
                        "execution went to 0x0, which is outside the image and has no code (bytes 0x0), after jmp ecx at"
                                + " 0x80001007; look at where");
    }

    @Test
    void jumpIntoTheBssIsTold() {
        // mov eax,0x70000000; mov ecx,0x80003000; jmp ecx: add [eax],al
        byte[] code = TestGuest.bytes("b8 00 00 00 70 b9 00 30 00 80 ff e1");
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new GuestImage.Segment(0x1000, 0x8000_1000L, code, 0x4000)),
                OptionalLong.of(0x8000_1000L),
                List.of());

        assertThat(DeadGuest.image(image, BootMode.PAGED).get(0))
                .startsWith(
                        "execution went to 0x80003000, which is in the BSS of image kernel at 0x100c-0x4fff and has no"
                                + " code (bytes 0x0), after jmp ecx at 0x8000100a;");
    }

    @Test
    void codeThatRunsPastItsEndIsTold() {
        assertThat(DeadGuest.paged("b8 00 00 00 70").get(0)) // mov eax,0x70000000, and then add [eax],al
                .startsWith(
                        "execution went to 0x80001005, which is outside the image and has no code (bytes 0x0), after"
                                + " mov eax, 0x70000000 at 0x80001000; it doesn't jump there: execution ran past the end");
    }

    @Test
    void longRunThroughZerosNamesNoJump() {
        // mov eax,0x9000; jmp 0x2000: zeros up to 0x2100, where the guest has put ud2 (0x0b0f)
        assertThat(DeadGuest.flat("66 c7 05 00 21 00 00 0f 0b b8 00 90 00 00 e9 ed 0f 00 00")
                        .get(0))
                .doesNotContain("after jmp");
    }

    @Test
    void handlerOutsideTheImageIsTold() {
        // mov dword [0x558],0x00080000; mov dword [0x55c],0x70008e00: IDT[6] leads to 0x70000000;
        // mov esp,0x9000; ud2
        assertThat(DeadGuest.paged("c7 05 58 05 00 00 00 00 08 00 c7 05 5c 05 00 00 00 8e 00 70 bc 00 90 00 00 0f 0b")
                        .get(0))
                .isEqualTo(
                        "the handler of #UD in IDT[6] is at 0x70000000, which is not mapped; give the gate the linear"
                                + " address of the handler");
    }

    @Test
    void codeThatTheGuestHasPutElsewhereIsNotCalledNone() {
        // mov dword [0x3000],0x909040; mov word [0x3003],0x0b0f; mov eax,0x3000; jmp eax: inc eax; nop; nop; ud2
        assertThat(DeadGuest.flat("c7 05 00 30 00 00 40 90 90 00 66 c7 05 03 30 00 00 0f 0b b8 00 30 00 00 ff e0"))
                .noneMatch(sentence -> sentence.contains("execution"));
    }

    @Test
    void stringThatIsExecutedIsShown() {
        // mov esp,0x90000000; and on into the string: push esp
        assertThat(DeadGuest.paged("bc 00 00 00 90" + text("This is a message of the kernel"))
                        .get(0))
                .contains("are text and no code: \"This is a message of the kernel\"; look for a jump");
    }

    @Test
    void pushesInARowAreNotTakenForText() {
        // mov esp,0x70000000; push ebp; push edi; push esi; push ebx; push eax
        assertThat(DeadGuest.paged("bc 00 00 00 70 55 57 56 53 50 90 90 90"))
                .noneMatch(sentence -> sentence.contains("text"));
    }
}
