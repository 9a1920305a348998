package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The rule is in {@code past}, and its guests are made here. */
class SharedInterruptStackTests {

    private static final int HANDLER = 0x500;

    /** mov dword [0x564], 0x1c0000; mov dword [0x56c], 0x1d0000: IST1 and IST2 of the boot TSS */
    private static final String STACKS = "c7 04 25 64 05 00 00 00 00 1c 00 c7 04 25 6c 05 00 00 00 00 1d 00";

    /**
     * Skips the UD2 that it is for, and executes another one the first time: add qword [rsp], 2; push rax; cmp dword
     * [0x101800], 0; jne over inc dword [0x101800] and the UD2; pop rax; iretq
     */
    private static final String FAULTS_ONCE =
            "48 83 04 24 02 50 83 3c 25 00 18 10 00 00 75 09 ff 04 25 00 18 10 00 0f 0b 58 48 cf";

    /** The same, but it stays where it is in place of pop rax; iretq: jmp to itself. */
    private static final String STAYS =
            "48 83 04 24 02 50 83 3c 25 00 18 10 00 00 75 09 ff 04 25 00 18 10 00 0f 0b eb fe";

    private static LongGuest guest(String handler, int stack) {
        // ud2; then jmp to itself
        return LongGuest.of(LongGuest.STACK + STACKS + LongGuest.LIDT + "0f 0b eb fe")
                .at(HANDLER, handler)
                .gate(6, HANDLER, stack);
    }

    private static String about(LongGuest guest) {
        return guest.adviceOfHang().stream()
                .filter(sentence -> sentence.contains("over and over"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void frameThatAnotherOneHasOverwrittenIsToldOf() {
        assertThat(about(guest(FAULTS_ONCE, 1)))
                .startsWith(
                        "an exception came at 0x100519, in a handler on the stack IST1 of the TSS, and its handler (IST1 is"
                                + " that of #UD) began at the top of that stack again");
    }

    @Test
    void handlersOnTheStackInUseDoNotDisturbEachOther() {
        assertThat(about(guest(FAULTS_ONCE, 0))).isEqualTo("nothing");
    }

    @Test
    void handlerThatStaysForAnotherReasonIsNotBlamed() {
        assertThat(about(guest(STAYS, 1))).isEqualTo("nothing");
    }
}
