package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SystemReturnTests {

    private static final int ENTRY = 0x400;
    private static final String READY = LongGuest.STACK + LongGuest.systemCalls(ENTRY) + LongGuest.RING_3;

    private static String about(String program, String entry) {
        return LongGuest.of(READY + program).at(ENTRY, entry).advice().stream()
                .filter(sentence -> sentence.contains("sysret"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void addressThatIsNotCanonicalIsToldOf() {
        // syscall; at the entry: mov rcx, 0x800000000000; sysret
        assertThat(about("0f 05", "48 b9 00 00 00 00 00 80 00 00 48 0f 07"))
                .startsWith("o64 sysret at 0x10040a takes RIP from RCX, which is 0x800000000000, no canonical address,")
                .contains("; mov rcx, 0x800000000000 at 0x100400 changed it;");
    }

    @Test
    void addressThatWasRestoredIsNotSaidToBeChanged() {
        // mov rcx, 0x800000000000; push rcx; pop rcx; sysret
        assertThat(about("48 c7 c4 00 00 19 00 0f 05", "48 b9 00 00 00 00 00 80 00 00 51 59 48 0f 07"))
                .contains("no canonical address")
                .doesNotContain("changed it");
    }

    @Test
    void countInPlaceOfTheAddressIsFound() {
        // syscall; at the entry: mov ecx, 3; dec ecx; jne 0x100405; sysret
        assertThat(about("0f 05", "b9 03 00 00 00 ff c9 75 fc 48 0f 07"))
                .startsWith("execution went to 0x0, ")
                .contains("SYSRET takes RIP from RCX, where SYSCALL has left it: dec ecx at 0x100405 changed it;");
    }

    @Test
    void programThatGoesAstrayByItselfIsNotBlamedOnTheKernel() {
        // syscall; xor eax, eax; jmp rax; at the entry: sysret
        assertThat(about("0f 05 31 c0 ff e0", "48 0f 07")).isEqualTo("nothing");
    }

    @Test
    void returnTo32BitsIsFound() {
        // syscall; nop; ud2; at the entry: sysret
        assertThat(about("0f 05 90 0f 0b", "0f 07"))
                .startsWith("sysret at 0x100400 has no REX.W prefix and returned to 0x")
                .contains("after a SYSCALL of 64-bit code, in compatibility mode,", "; write sysretq");
    }

    @Test
    void returnTo32BitCodeThatIsMeantIsNotBlamed() {
        LongGuest guest = LongGuest.of(READY + "0f 05") // syscall
                .at(0x300, "90 0f 0b") // nop; ud2
                .at(ENTRY, "b9 00 03 10 00 0f 07"); // mov ecx, 0x100300; sysret

        assertThat(guest.advice()).noneMatch(sentence -> sentence.contains("sysret"));
    }

    @Test
    void flagsThatAreLostAreFound() {
        // syscall; nop; nop; nop; ud2; at the entry: mov r11, -1; sysret
        assertThat(about("0f 05 90 90 90 0f 0b", "49 c7 c3 ff ff ff ff 48 0f 07"))
                .startsWith("o64 sysret at 0x100407 took RFLAGS from R11, which is 0xffffffffffffffff and has TF set,")
                .contains("; mov r11, 0xffffffffffffffff at 0x100400 changed R11,");
    }

    @Test
    void programThatStepsThroughItselfIsNotBlamedOnTheKernel() {
        String stepped = READY.replace("6a 02 6a 23", "68 02 01 00 00 6a 23");

        // nop; nop; at the entry: sysret
        assertThat(LongGuest.of(stepped + "90 90").at(ENTRY, "48 0f 07").advice())
                .noneMatch(sentence -> sentence.contains("sysret"));
    }
}
