package dev.kvmguest.vmm.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TimerVectorTests {

    /** sti; here: jmp here */
    private static final String WAIT = "fb eb fe";

    @Test
    void timerAtTheVectorOfDoubleFaultsAsksForRemappedControllers() {
        assertThat(DeadGuest.flat("b0 fe e6 21" + WAIT).get(0)) // mov al,0xfe; out 0x21,al
                .startsWith("the timer's IRQ 0 came at vector 8, which is that of #DF in protected mode: the interrupt"
                        + " controllers are not remapped; initialize both 8259A for vectors from 0x20 on");
    }

    @Test
    void timerAtAVectorOfItsOwnIsOnlyWithoutAHandler() {
        // mov al,0x11; out 0x20,al; mov al,0x20; out 0x21,al; mov al,4; out 0x21,al; mov al,1; out 0x21,al;
        // mov al,0xfe; out 0x21,al
        String remap = "b0 11 e6 20 b0 20 e6 21 b0 04 e6 21 b0 01 e6 21 b0 fe e6 21";

        assertThat(DeadGuest.flat(remap + WAIT))
                .singleElement()
                .asString()
                .contains("has no gate for vector 32, #GP, #DF");
    }

    @Test
    void exceptionWithInterruptsOnIsNoInterrupt() {
        assertThat(DeadGuest.flat("fb b8 40 00 00 00 8e d8")) // sti; mov eax,0x40; mov ds,ax: #GP(0x40)
                .isNotEmpty()
                .noneMatch(sentence -> sentence.contains("8259A"));
    }
}
