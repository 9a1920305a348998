package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Guests whose code begins at 0x100008, after what unmaps page 0. */
class NullPointerTests {

    /** mov rsp,0x180000. */
    private static final String STACK = "48 c7 c4 00 00 18 00";

    private static List<String> adviceFor(String code, Symbol... symbols) {
        return DeadGuest.adviceFor(MappedGuest.withoutPage0(code, symbols));
    }

    @Test
    void pointerIsToldWithItsMember() {
        assertThat(adviceFor("31 db 8b 43 10").get(0)) // xor ebx,ebx; mov eax,[rbx+0x10]
                .isEqualTo(
                        "null pointer: RBX is 0, and mov eax, [rbx+0x10] at 0x10000a uses what is at offset 0x10 of what"
                                + " it points to, where no page is; xor ebx, ebx at 0x100008 made it: look at why that is used as a"
                                + " pointer");
    }

    @Test
    void functionThatReturnedItIsNamed() {
        // call find; mov eax,[rax+0x10]; find: xor eax,eax; ret
        assertThat(adviceFor(STACK + "e8 03 00 00 00 8b 40 10 31 c0 c3", new Symbol("find", 0x100017, 3))
                        .get(0))
                .startsWith("null pointer: RAX is 0, and mov eax, [rax+0x10] at 0x100014 uses")
                .endsWith("; find returned it: check what it returns before it is used");
    }

    @Test
    void functionThatReturnedItIsFoundThroughALocalVariable() {
        // mov rbp,rsp; sub rsp,16; call find; mov [rbp-8],rax; mov rax,[rbp-8]; mov eax,[rax+0x10]; find: xor eax,eax;
        // ret
        assertThat(adviceFor(
                                STACK + "48 89 e5 48 83 ec 10 e8 0b 00 00 00 48 89 45 f8 48 8b 45 f8 8b 40 10 31 c0 c3",
                                new Symbol("find", 0x100026, 3))
                        .get(0))
                .endsWith("; find returned it: check what it returns before it is used");
    }

    @Test
    void variableThatItWasLoadedFromIsNamedThroughMoves() {
        // mov rbx,[0x100800]; mov rdi,rbx; mov [rdi+8],eax
        assertThat(adviceFor("48 8b 1c 25 00 08 10 00 48 89 df 89 47 08", new Symbol("device", 0x100800, 8))
                        .get(0))
                .startsWith("null pointer: RDI is 0, and mov [rdi+8], eax at 0x100013 uses what is at offset 0x8 of")
                .endsWith(
                        "; it was loaded from device at 0x100800 by mov rbx, [0x100800] at 0x100008: set that pointer before"
                                + " it is used, or check it");
    }

    @Test
    void valueIsFollowedThroughTheStack() {
        // xor ebx,ebx; push rbx; mov ebx,5; pop rbx; mov eax,[rbx]
        assertThat(adviceFor(STACK + "31 db 53 bb 05 00 00 00 5b 8b 03").get(0))
                .contains("xor ebx, ebx at 0x10000f made it");
    }

    @ParameterizedTest
    @CsvSource({
        "bb 28 00 00 00 8b 03, 'no address but a small number: RBX is 0x28, and mov eax, [rbx] at 0x10000d uses"
                + " memory at 0x28, where no page is; mov ebx, 0x28 at 0x100008 made it'", // mov ebx,0x28; mov
        // eax,[rbx]
        // xor eax,eax; mov ecx,2; mov edx,[rax+8*rcx]
        "31 c0 b9 02 00 00 00 8b 14 c8, 'no address but a small number: RAX is 0 and RCX is 0x2, and'",
    })
    void smallNumberIsToldApart(String code, String expected) {
        assertThat(adviceFor(code).get(0)).startsWith(expected);
    }

    @Test
    void functionCalledThroughItIsToldOnce() {
        assertThat(adviceFor(STACK + "31 c0 ff d0")) // xor eax,eax; call rax
                .satisfies(advice -> assertThat(advice.get(0))
                        .startsWith(
                                "null pointer: RAX is 0, and call rax at 0x100011 went there, where no page is; set"))
                .noneMatch(sentence -> sentence.startsWith("execution went"));
        // call [0x100800]
        assertThat(adviceFor(STACK + "ff 14 25 00 08 10 00", new Symbol("driver", 0x100800, 8))
                        .get(0))
                .startsWith(
                        "null pointer: the pointer at 0x100800 (driver) is 0, and call qword [0x100800] at 0x10000f went");
    }

    @ParameterizedTest
    @CsvSource({
        "8b 04 25 4c 04 00 00", // mov eax,[0x44c]: the BIOS data area
        "bb 4c 04 00 00 8b 03", // mov ebx,0x44c; mov eax,[rbx]
        "31 c0 65 48 8b 18", // xor eax,eax; mov rbx,gs:[rax]: what GS is to point to was never set
        "48 bb e0 be ad de ff 7f 00 00 8b 03", // mov rbx,0x7fffdeadbee0; mov eax,[rbx]
        "6a 00 c3", // push 0; ret: without a stack
    })
    void otherFaultsAreNone(String code) {
        assertThat(adviceFor(code))
                .noneMatch(sentence -> sentence.contains("null pointer") || sentence.contains("no address"));
    }

    @Test
    void pointerIsToldIn32BitCodeToo() {
        // mov dword [0x101000],0: unmaps page 0; mov eax,cr3; mov cr3,eax; xor esi,esi; mov eax,[esi+4]
        assertThat(DeadGuest.adviceFor(TestGuest.real("c7 05 00 10 10 00 00 00 00 00 0f 20 d8 0f 22 d8 31 f6 8b 46 04")
                                .withBoot(BootMode.PAGED_4K))
                        .get(0))
                .startsWith("null pointer: ESI is 0, and mov eax, [esi+4] at 0x80001012 uses what is at offset 0x4");
    }
}
