package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NonCanonicalTests {

    /** mov rsp,0x180000. */
    private static final String STACK = "48 c7 c4 00 00 18 00";
    /** mov eax,[rbx+8]. */
    private static final String USE = "8b 43 08";

    private static final String RULE = ", no canonical address (bits 63 to 47 must be alike)";

    @ParameterizedTest
    @CsvSource({
        "41 41 41 41 41 41 41 00, 0x41414141414141, 'the text \"AAAAAAA\", and', look for a text that was copied",
        "6b 6b 6b 6b 6b 6b 6b 6b, 0x6b6b6b6b6b6b6b6b, 'the text \"kkkkkkkk\", and', look for a text",
        "01 01 01 01 01 01 01 01, 0x101010101010101, 'the byte 0x1 eight times, which free or new memory', used after",
        "00 00 00 00 ef be ad de, 0xdeadbeef00000000, 'a number with 0xdeadbeef, which free or new', used after",
        "00 00 10 80 ff ff 00 00, 0xffff80100000, '0xffffffff80100000 without its upper 16 bits', look for a mask",
        "03 40 10 00 00 00 00 80, 0x8000000000104003, 'a page-table entry with bit 63, NX', mask the bits",
        "00 00 00 00 00 00 10 80, 0x8010000000000000, '', look",
    })
    void valueIsToldByWhatItLooksLike(String bytes, String value, String like, String remedy) {
        // The bytes are RBX's: mov rbx, and mov eax,[rbx+8]
        assertThat(MappedGuest.advice("48 bb" + bytes + USE).get(0))
                .startsWith("RBX is " + value + RULE + (like.isEmpty() ? ", and" : " but " + like))
                .contains(
                        "mov eax, [rbx+8] at 0x10000a uses memory there; mov rbx, " + value + " at 0x100000 made it: ")
                .contains(remedy);
    }

    @ParameterizedTest
    @CsvSource({
        "00 00 00 00 10 00 10 00, 0x10001000000000, '0x100010 (main+0x10) moved up by 32 bits', read 4 bytes before",
        "10 00 10 00 00 00 20 00, 0x20000000100010, '0x100010 (main+0x10) with 0x200000 in its upper', stored in 32",
    })
    void addressOfTheImageIsFoundInTheValue(String bytes, String value, String like, String remedy) {
        Symbol main = new Symbol("main", 0x100000, 0x40);

        // The bytes are RBX's: mov rbx, and mov eax,[rbx+8]
        assertThat(DeadGuest.adviceFor(MappedGuest.paged("48 bb" + bytes + USE, Map.of(), main))
                        .get(0))
                .startsWith("RBX is " + value + RULE + " but " + like)
                .contains(remedy);
    }

    @Test
    void addressesWhoseSumIsNoneAreBothTold() {
        // mov rbx,0x7ffffffffff8; mov ecx,2; mov eax,[rbx+8*rcx]
        assertThat(MappedGuest.advice("48 bb f8 ff ff ff ff 7f 00 00 b9 02 00 00 00 8b 04 cb")
                        .get(0))
                .startsWith("RBX is 0x7ffffffffff8 and RCX is 0x2, which make " + RULE.substring(2) + ", and mov eax,"
                        + " [rbx+rcx*8] at 0x10000f uses memory there; ");
    }

    @Test
    void targetsOfReturnsAndCallsAreTold() {
        // mov rax,0x4242424242424242; push rax; ret
        assertThat(MappedGuest.advice(STACK + "48 b8 42 42 42 42 42 42 42 42 50 c3")
                        .get(0))
                .startsWith("ret at 0x100012 finds 0x4242424242424242 on the stack at 0x17fff8 for a return address"
                        + RULE + " but the text \"BBBBBBBB\"; look for a text");
        // mov rax,0x1234567812345678; call rax
        assertThat(MappedGuest.advice(STACK + "48 b8 78 56 34 12 78 56 34 12 ff d0")
                        .get(0))
                .startsWith("RAX is 0x1234567812345678" + RULE + ", and call rax at 0x100011 goes there; ");
        // call [0x100008]
        assertThat(MappedGuest.advice("ff 14 25 08 00 10 00 90 78 56 34 12 78 56 34 12")
                        .get(0))
                .startsWith("call qword [0x100008] at 0x100000 finds its target 0x1234567812345678 at 0x100008" + RULE
                        + "; ");
    }

    @Test
    void whoWroteTheReturnAddressIsToldByTheGuestsRun() {
        // mov rax,0x4242424242424242; push rax; ret
        assertThat(DeadGuest.reported(MappedGuest.flat(STACK + "48 b8 42 42 42 42 42 42 42 42 50 c3"))
                        .get(0))
                .contains(
                        "; what is at 0x17fff8 was written last by push rax at 0x100011, the last instruction that was"
                                + " executed: look for a text");
    }

    @Test
    void handlerThatHaltsIsTracedBackToTheException() {
        // IDT[13]: mov dword [0x700d0],0x00080040; mov dword [0x700d4],0x00108e00; mov rsp,0x180000;
        // mov rbx,0x4141414141414141; mov eax,[rbx+8]; at 0x100040 cli; hlt
        String code = "c7 04 25 d0 00 07 00 40 00 08 00 c7 04 25 d4 00 07 00 00 8e 10 00" + STACK
                + "48 bb 41 41 41 41 41 41 41 41 8b 43 08" + "90".repeat(22) + "fa f4";

        assertThat(TestGuest.run(MappedGuest.flat(code), EngineChoice.EMULATOR)
                        .run()
                        .diagnosis()
                        .origin()
                        .orElseThrow()
                        .advice()
                        .get(0))
                .startsWith("RBX is 0x4141414141414141" + RULE);
    }

    @Test
    void stackPointerIsTold() {
        // mov rsp,0x1234567812345678; push rax
        assertThat(MappedGuest.advice("48 bc 78 56 34 12 78 56 34 12 50").get(0))
                .startsWith("RSP is 0x1234567812345678" + RULE
                        + ", and push rax at 0x10000a uses the stack; look at what" + " loaded RSP");
        // mov rbp,0x1234567812345678; leave
        assertThat(MappedGuest.advice("48 bd 78 56 34 12 78 56 34 12 c9").get(0))
                .startsWith("RBP is 0x1234567812345678" + RULE + ", and leave at 0x10000a takes it for RSP; ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // mov rbx,0x1234567812345678; mov ecx,0xffff; wrmsr: #GP(0) for the MSR
                "48 bb 78 56 34 12 78 56 34 12 b9 ff ff 00 00 0f 30",
                // mov rbx,0x7fffdeadbee0; mov eax,[rbx]: #PF
                "48 bb e0 be ad de ff 7f 00 00 8b 03",
                // mov rbx,0x1234567812345678; int 13: #GP with an error code
                "48 bb 78 56 34 12 78 56 34 12 cd 0d",
                // mov rsp,0x180000; mov rax,cr4; or eax,0x200; mov cr4,rax; sub rsp,8; movaps [rsp],xmm0
                "48 c7 c4 00 00 18 00 0f 20 e0 0d 00 02 00 00 0f 22 e0 48 83 ec 08 0f 29 04 24",
            })
    void otherFaultsAreNone(String code) {
        assertThat(MappedGuest.advice(code)).noneMatch(sentence -> sentence.contains("canonical"));
    }
}
