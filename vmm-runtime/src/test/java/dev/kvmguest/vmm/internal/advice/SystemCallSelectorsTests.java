package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SystemCallSelectorsTests {

    private static final int ENTRY = 0x400;
    private static final int HANDLER = 0x500;

    /** A program that makes a system call and executes UD2, whose handler is to return to it: syscall; ud2; nop */
    private static LongGuest guest(long star, String handler) {
        return LongGuest.of(LongGuest.STACK
                        + LongGuest.systemCalls(ENTRY)
                        + LongGuest.wrmsr(0xc000_0081, star)
                        + LongGuest.RSP_0
                        + LongGuest.LIDT
                        + LongGuest.RING_3
                        + "0f 05 0f 0b 90")
                .at(ENTRY, "48 0f 07") // sysret
                .at(HANDLER, handler)
                .gate(6, HANDLER, 0);
    }

    private static String about(LongGuest guest) {
        return guest.advice().stream()
                .filter(sentence -> sentence.contains("IA32_STAR"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void selectorsThatTheTableHasNotInThatOrderAreToldOf() {
        assertThat(about(guest(0x0023_0008_0000_0000L, "48 cf"))) // iretq
                .startsWith("iretq at 0x100500 refuses CS 0x33, which is not 64-bit code of ring 3 but")
                .contains(
                        "; SYSRET loaded it: SS is bits 63 to 48 of IA32_STAR, 0x23000800000000, plus 8, and CS that plus 16;")
                .endsWith("in these bits, which is 0x13 in this one");
    }

    @Test
    void registerThatWasNeverSetIsToldOf() {
        assertThat(about(guest(0, "48 cf"))) // iretq
                .startsWith(
                        "iretq at 0x100500 refuses CS 0x13, which is not 64-bit code of ring 3 but a writable data segment");
    }

    @Test
    void selectorsOfAnotherOriginAreNotBlamedOnTheRegister() {
        // mov qword [rsp+0x20], 0x33; iretq
        assertThat(about(guest(0x0010_0008_0000_0000L, "48 c7 44 24 20 33 00 00 00 48 cf")))
                .isEqualTo("nothing");
    }

    @Test
    void refusalForAnotherReasonIsNotBlamedOnTheRegister() {
        // mov rax, 0x800000000000; mov [rsp], rax; iretq
        assertThat(about(guest(0x0010_0008_0000_0000L, "48 b8 00 00 00 00 00 80 00 00 48 89 04 24 48 cf")))
                .isEqualTo("nothing");
    }
}
