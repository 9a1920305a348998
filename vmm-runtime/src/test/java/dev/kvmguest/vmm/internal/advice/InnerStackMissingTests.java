package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class InnerStackMissingTests {

    /**
     * IDT[6] leads to 0x8:0x1000: mov dword [0x558],0x00081000; mov dword [0x55c],0x00008e00
     *
     * <p>To ring 3: mov esp,0x9000; push 0x23; push 0x8000; push 2; push 0x1b; push (what follows)
     */
    private static final String GATE = "c7 05 58 05 00 00 00 10 08 00 c7 05 5c 05 00 00 00 8e 00 00";

    private static final String TO_RING_3 = "bc 00 90 00 00 6a 23 68 00 80 00 00 6a 02 6a 1b 68";

    @Test
    void handlerInRing0WithoutATaskIsTold() {
        // a push of 0x102a, which ends here; iretd; ud2
        assertThat(DeadGuest.flat(GATE + TO_RING_3 + "2a 10 00 00 cf 0f 0b").get(0))
                .startsWith(
                        "the handler of #UD is in ring 0, its cause in ring 3, and the guest never loaded TR, and the TSS at"
                                + " 0x0 that it was entered with names no stack for ring 0; set SS0 and ESP0 in a TSS");
    }

    @Test
    void systemCallWithoutATaskIsTold() {
        // mov dword [0x928],0x00081000; mov dword [0x92c],0x0000ee00: IDT[0x80]; push 0x102a; iretd; int 0x80
        String gate = "c7 05 28 09 00 00 00 10 08 00 c7 05 2c 09 00 00 00 ee 00 00";

        assertThat(DeadGuest.flat(gate + TO_RING_3 + "2a 10 00 00 cf cd 80").get(0))
                .startsWith("int 0x80 at 0x102a leads from ring 3 to an inner ring, and the guest never loaded TR");
    }

    @Test
    void missingGateIsNotBlamedOnTheTask() {
        // a push of 0x1016, which ends here; iretd; ud2
        assertThat(DeadGuest.flat(TO_RING_3 + "16 10 00 00 cf 0f 0b")).noneMatch(sentence -> sentence.contains("TSS"));
    }

    @Test
    void ring0NeedsNoTask() {
        // IDT[6] with a segment of ring 3, which no handler may have: mov byte [0x55a],0x18; ud2
        assertThat(DeadGuest.flat(GATE + "c6 05 5a 05 00 00 18 0f 0b")).noneMatch(sentence -> sentence.contains("TSS"));
    }

    @Test
    void sameDeathInRing0IsNotBlamedOnTheTask() {
        // The gate leads to ring 0 and the TSS has no stack, as above, but ud2 is in ring 0, and its stack where
        // nothing
        // is mapped: mov esp,0x70000000; ud2
        assertThat(DeadGuest.paged(GATE + "bc 00 00 00 70 0f 0b")).noneMatch(sentence -> sentence.contains("TSS"));
    }

    @Test
    void taskWithAStackIsNotBlamed() {
        // mov dword [8],0x10: SS0 of the TSS at 0; ESP0 is 0, where no RAM is; push 0x1034; iretd; ud2
        assertThat(DeadGuest.flat(GATE + "c7 05 08 00 00 00 10 00 00 00" + TO_RING_3 + "34 10 00 00 cf 0f 0b"))
                .noneMatch(sentence -> sentence.contains("TSS"));
    }

    @Test
    void systemCallIsKnownWhateverItsPrefix() {
        // IDT[0x80] as above; push 0x102a; iretd; rep int 0x80
        String gate = "c7 05 28 09 00 00 00 10 08 00 c7 05 2c 09 00 00 00 ee 00 00";

        assertThat(DeadGuest.flat(gate + TO_RING_3 + "2a 10 00 00 cf f3 cd 80").get(0))
                .startsWith("rep int 0x80 at 0x102a leads from ring 3 to an inner ring,");
    }
}
