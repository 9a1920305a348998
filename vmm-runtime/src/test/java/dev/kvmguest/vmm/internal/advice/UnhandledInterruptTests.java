package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.VcpuConfig;
import org.junit.jupiter.api.Test;

class UnhandledInterruptTests {

    /** sti; here: jmp here */
    private static final String WAIT = "fb eb fe";

    @Test
    void timerAtTheVectorOfDoubleFaultsAsksForRemappedControllers() {
        assertThat(DeadGuest.flat("b0 fe e6 21" + WAIT).get(0)) // mov al,0xfe; out 0x21,al
                .startsWith("the timer's IRQ 0 came at vector 8, which is that of #DF in protected mode: the interrupt"
                        + " controllers are not remapped; initialize both 8259A for vectors from 0x20 on");
    }

    @Test
    void keyboardAtItsOldVectorIsNamed() {
        VcpuConfig guest = TestGuest.flat("b0 fd e6 21" + WAIT).withInput("x"); // mov al,0xfd; out 0x21,al

        assertThat(DeadGuest.adviceFor(guest).get(0))
                .startsWith(
                        "the keyboard's IRQ 1 came at vector 9, which is reserved for exceptions in protected mode:");
    }

    @Test
    void interruptThatCameRightAfterStiIsToldSo() {
        // mov al,0xfe; out 0x21,al; the timer's first tick passes in a loop: mov ecx,0x1000000; loop $; sti; nop; nop
        assertThat(DeadGuest.flat("b0 fe e6 21 b9 00 00 00 01 e2 fe fb 90 90").get(0))
                .startsWith("the timer's IRQ 0 came at vector 8 right after sti at 0x100b, which is that of #DF");
    }

    /**
     * The timer at vector 0x20: mov al,0x11; out 0x20,al; mov al,0x20; out 0x21,al; mov al,4; out 0x21,al; mov al,1; out
     * 0x21,al; mov al,0xfe; out 0x21,al
     */
    private static final String REMAPPED = "b0 11 e6 20 b0 20 e6 21 b0 04 e6 21 b0 01 e6 21 b0 fe e6 21";

    @Test
    void timerAtAVectorOfItsOwnIsOnlyWithoutAHandler() {
        assertThat(DeadGuest.flat(REMAPPED + WAIT))
                .hasSize(2)
                .noneMatch(sentence -> sentence.contains("not remapped"))
                .first()
                .asString()
                .isEqualTo(
                        "a device's interrupt came at vector 0x20, for which IDT[32] has no gate; give it a handler, or"
                                + " leave its line masked in the 8259A (ports 0x21 and 0xa1)");
    }

    @Test
    void interruptWithAGateThatIsWrongIsNotWithoutOne() {
        // mov dword [0x628],0x00101000; mov dword [0x62c],0x00008e00: IDT[32] with a data segment
        assertThat(DeadGuest.flat("c7 05 28 06 00 00 00 10 10 00 c7 05 2c 06 00 00 00 8e 00 00" + REMAPPED + WAIT))
                .noneMatch(sentence -> sentence.contains("a device's interrupt"))
                .anyMatch(sentence -> sentence.startsWith("IDT[32] at 0x628 has the selector 0x10,"));
    }

    @Test
    void exceptionWithInterruptsOnIsNoInterrupt() {
        assertThat(DeadGuest.flat("fb b8 40 00 00 00 8e d8")) // sti; mov eax,0x40; mov ds,ax: #GP(0x40)
                .isNotEmpty()
                .noneMatch(sentence -> sentence.contains("8259A"));
    }

    @Test
    void stiIsKnownWhateverItsPrefix() {
        // mov al,0xfe; out 0x21,al; mov ecx,0x1000000; loop $; rep sti; nop; nop
        assertThat(DeadGuest.flat("b0 fe e6 21 b9 00 00 00 01 e2 fe f3 fb 90 90")
                        .get(0))
                .startsWith("the timer's IRQ 0 came at vector 8 right after rep sti at 0x100b,");
    }
}
