package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RingZeroStackTests {

    private static final int HANDLER = 0x500;
    /** mov dword [0x544], 0x1000; mov dword [0x548], 0xffff8000: RSP0 of the boot TSS */
    private static final String UNMAPPED_RSP_0 = "c7 04 25 44 05 00 00 00 10 00 00 c7 04 25 48 05 00 00 00 80 ff ff";

    /** A program that executes UD2, for which there is a handler that does the same. */
    private static LongGuest guest(String stack) {
        return LongGuest.of(LongGuest.STACK + LongGuest.LIDT + stack + LongGuest.RING_3 + "0f 0b") // ud2
                .at(HANDLER, "0f 0b") // ud2
                .gate(6, HANDLER, 0);
    }

    @Test
    void stackThatIsNotMappedIsToldOf() {
        assertThat(guest(UNMAPPED_RSP_0).advice())
                .contains("the handler of #UD is in ring 0, its cause in ring 3, and RSP0 in the TSS at 0x540 is"
                        + " 0xffff800000001000, below which no page is mapped; set RSP0 to the end of a stack that the page"
                        + " tables of every program map");
    }

    @Test
    void stackThatIsThereIsNotBlamed() {
        assertThat(guest(LongGuest.RSP_0).advice()).noneMatch(sentence -> sentence.contains("RSP0 in"));
    }

    @Test
    void ring0DoesNotNeedIt() {
        // ud2
        assertThat(LongGuest.of(LongGuest.STACK + LongGuest.LIDT + UNMAPPED_RSP_0 + "0f 0b")
                        .at(HANDLER, "0f 0b")
                        .gate(6, HANDLER, 0)
                        .advice())
                .noneMatch(sentence -> sentence.contains("RSP0 in"));
    }
}
