package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExecutionTests {

    @Test
    void jumpThroughAPointerToUnmappedMemoryIsTold() {
        assertThat(DeadGuest.paged("b8 00 00 00 70 ff e0").get(0)) // mov eax,0x70000000; jmp eax
                .startsWith(
                        "execution went to 0x70000000, which is not mapped, after jmp eax at 0x80001005; look at where"
                                + " that address comes from");
    }

    @Test
    void jumpToAPageBehindReservedBitsIsTold() {
        // mov dword [0x100400],0x200083: the boot's directory maps 0x40000000 to 0, but for bit 21; mov eax,0x40001000;
        // jmp
        // eax
        assertThat(DeadGuest.paged("c7 05 00 04 10 00 83 00 20 00 b8 00 10 00 40 ff e0")
                        .get(0))
                .startsWith(
                        "execution went to 0x40001000, which is not usable, since page-directory entry 256 at 0x100400"
                                + " has reserved bits 0x200000, after jmp eax");
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
                        "execution went to 0x0, which is in the interrupt vector table at 0x0-0x3ff, after jmp ecx at"
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
    void callOfANullPointerIsNamed() {
        // mov esp,0x9000; call [0x5000]
        assertThat(DeadGuest.flat("bc 00 90 00 00 ff 15 00 50 00 00").get(0))
                .startsWith("execution went to 0x0, which is in the interrupt vector table at 0x0-0x3ff, after"
                        + " call dword [0x5000] at 0x1005; look at where that address comes from");
    }

    @Test
    void longRunThroughZerosNamesTheJumpThoughItEndsAtCode() {
        // mov word [0x2100],0x0b0f (ud2); mov eax,0x9000; jmp 0x2000, where zeros are
        assertThat(DeadGuest.flat("66 c7 05 00 21 00 00 0f 0b b8 00 90 00 00 e9 ed 0f 00 00")
                        .get(0))
                .startsWith("execution went to 0x2000, which is outside the image and has no code (bytes 0x0), after"
                        + " jmp 0x2000 at 0x100e;");
    }

    @Test
    void callIntoZerosIsNamedThoughTheyChangeThemselves() {
        // mov dword [0x5000],0x4000; mov word [0x4100],0x0b0f (ud2); mov esp,0x9000; mov eax,0x4002;
        // call [0x5000]: add [eax],al makes another instruction of the next one
        assertThat(DeadGuest.flat("c7 05 00 50 00 00 00 40 00 00  66 c7 05 00 41 00 00 0f 0b  bc 00 90 00 00"
                                + "b8 02 40 00 00 ff 15 00 50 00 00")
                        .get(0))
                .startsWith("execution went to 0x4000, which is outside the image and has no code (bytes 0x0), after"
                        + " call dword [0x5000] at 0x101d;");
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

    @ParameterizedTest
    @CsvSource({"00, true", "ff, true", "01, false", "90, false"})
    void onlyBytesThatMemoryHasWithoutCodeAreCalledNone(String filling, boolean expected) {
        // mov edi,0x80003000; mov eax,(the byte); mov ecx,0x20; rep stosb; mov eax,0x70000000; mov ebp,eax; mov
        // ecx,eax;
        // mov edi,0x80003000; jmp edi: add [eax],al; (bad); add [eax],eax; nop, and then add [eax],al
        assertThat(DeadGuest.paged("bf 00 30 00 80 b8" + filling + "00 00 00 b9 20 00 00 00 f3 aa b8 00 00 00 70 89 c5"
                                + "89 c1 bf 00 30 00 80 ff e7")
                        .stream()
                        .anyMatch(sentence -> sentence.startsWith("execution went to 0x80003000, which is outside")))
                .isEqualTo(expected);
    }

    @Test
    void bytesThatBeginAlikeAndGoOnOtherwiseAreNotCalledNone() {
        // mov dword [0x80003004],0x0b0f0000; mov eax,0x70000000; mov ecx,0x80003000; jmp ecx: zeros, and then ud2
        assertThat(DeadGuest.paged("c7 05 04 30 00 80 00 00 0f 0b b8 00 00 00 70 b9 00 30 00 80 ff e1"))
                .noneMatch(sentence -> sentence.contains("execution"));
    }

    /** Returns what is advised about an image that is loaded at 0x1000 and linked for another address. */
    private static List<String> linkedFor(long address, GuestImage.Format format, BootMode boot, String code) {
        byte[] bytes = TestGuest.bytes(code);
        OptionalLong entry = format == GuestImage.Format.FLAT ? OptionalLong.empty() : OptionalLong.of(0x1000);
        return DeadGuest.image(
                new GuestImage(
                        "kernel",
                        format,
                        List.of(new GuestImage.Segment(0x1000, address, bytes, 0x100)),
                        entry,
                        List.of(new GuestImage.Symbol("main", address + 7, 0))),
                boot);
    }

    @Test
    void jumpToTheUpperHalfBeforePagingIsOnIsTold() {
        // mov eax,0x80001007; jmp eax
        assertThat(linkedFor(0x8000_1000L, GuestImage.Format.ELF32, BootMode.PROTECTED, "b8 07 10 00 80 ff e0 f4")
                        .get(0))
                .isEqualTo(
                        "execution went to 0x80001007 (main), after jmp eax at 0x1005, which is where the linker put it,"
                                + " but it was loaded at physical 0x1007, and paging is off; switch paging on with it mapped before"
                                + " any such jump, or link the image for the address that it is loaded at");
    }

    @Test
    void jumpInAnImageThatIsLoadedElsewhereIsTold() {
        // mov eax,0x70000000; mov ecx,0x80007c0c; jmp ecx: add [eax],al
        String code = "b8 00 00 00 70 b9 0c 7c 00 80 ff e1 f4";

        assertThat(linkedFor(0x8000_7c00L, GuestImage.Format.FLAT, BootMode.PAGED, code)
                        .get(0))
                .startsWith(
                        "execution went to 0x80007c0c (main+0x5), after jmp ecx at 0x8000100a, which is where the linker put"
                                + " it, but it was loaded at physical 0x100c, to which the page tables don't lead from there; map");
    }

    @Test
    void jumpBehindWhatWasLinkedIsNotTheLinkersDoing() {
        // mov eax,0x80001107; jmp eax
        assertThat(linkedFor(0x8000_1000L, GuestImage.Format.ELF32, BootMode.PROTECTED, "b8 07 11 00 80 ff e0 f4")
                        .get(0))
                .startsWith("execution went to 0x80001107, where no RAM is, after jmp eax");
    }

    @Test
    void zerosThatHaveChangedThemselvesAreNotTakenForCode() {
        // mov eax,0xffe003; mov ecx,0xffe002; jmp ecx: add [eax],al up to the end of RAM
        assertThat(DeadGuest.flat("b8 03 e0 ff 00 b9 02 e0 ff 00 ff e1").get(0))
                .startsWith(
                        "execution went to 0xffe002, which is outside the image and has no code (bytes 0x0), after jmp ecx"
                                + " at 0x100a; look at where");
    }

    @Test
    void returnWithAPrefixThatChangesNothingIsAReturn() {
        // mov esp,0x9000; push 0x70000000; rep ret
        assertThat(DeadGuest.paged("bc 00 90 00 00 68 00 00 00 70 f3 c3").get(0))
                .startsWith(
                        "execution went to 0x70000000, which is not mapped, after rep ret at 0x8000100a; the return address");
    }

    @Test
    void codeBeyondTheEndOfTheFileWasNeverLoaded() {
        // mov dword [0x1220],0x0b0f; mov esp,0x9000; call 0x1200; hlt, and a file that ends at 0x11ff: zeros up to UD2
        String code = "c7 05 20 12 00 00 0f 0b 00 00 bc 00 90 00 00 e8 ec 01 00 00 f4" + "90".repeat(0x1eb);

        assertThat(DeadGuest.flat(code).get(0))
                .contains(
                        "after call 0x1200 at 0x100f; the image ends before that, at 0x11ff after 512 bytes, so that what"
                                + " belongs there was never loaded");
    }
}
