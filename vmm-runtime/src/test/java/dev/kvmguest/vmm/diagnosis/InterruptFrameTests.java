package dev.kvmguest.vmm.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class InterruptFrameTests {

    /** mov esp,0x9000; push 2; push 8; push 0x1000: a frame to return by. */
    private static final String FRAME = "bc 00 90 00 00 6a 02 6a 08 68 00 10 00 00";

    @Test
    void errorCodeThatIsStillOnTheStackIsRecognized() {
        assertThat(DeadGuest.flat(FRAME + "6a 00 cf").get(0)) // push 0; iretd
                .startsWith(
                        "iretd at 0x1010 found 0x0 where the return address should be, and that one, 0x1000, where CS"
                                + " should be: an error code is still on the stack;");
    }

    @Test
    void otherFrameThatIsWrongIsNotBlamedOnAnErrorCode() {
        // mov esp,0x9000; push 2; push 0x1000; push 8; iretd: CS and EIP swapped
        assertThat(DeadGuest.flat("bc 00 90 00 00 6a 02 68 00 10 00 00 6a 08 cf"))
                .noneMatch(sentence -> sentence.contains("error code is still"))
                .first()
                .asString()
                .contains("loads the selector 0x1000, which is beyond the GDT's limit 0x27; it takes a code segment");
    }
}
