package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import org.junit.jupiter.api.Test;

class OverwrittenCodeTests {

    @Test
    void recursionThatRunsIntoItsOwnCodeIsTold() {
        // mov esp,0x9000; call deeper; hlt; deeper: push eax; call deeper; ret
        assertThat(DeadGuest.reported(TestGuest.flat("bc 00 90 00 00 e8 01 00 00 00 f4 50 e8 fa ff ff ff c3"))
                        .get(0))
                .startsWith("ESP is 0x10")
                .contains(
                        ", in the image at 0x1000-0x1011: the stack ran into the code and has overwritten it from 0x10",
                        "the return address 0x1011 is on it",
                        "; end the recursion, or give the stack more room above the code");
    }

    @Test
    void recursionThatRunsIntoCodeOf64BitsIsTold() {
        // mov esp,0x100100; call deeper; hlt; deeper: push rax; call deeper; ret
        assertThat(DeadGuest.reported(MappedGuest.flat("bc 00 01 10 00 e8 01 00 00 00 f4 50 e8 fa ff ff ff c3"))
                        .get(0))
                .startsWith("RSP is 0x10000")
                .contains(
                        ", in the image at 0x100000-0x100011: the stack ran into the code and has overwritten it from 0x10000",
                        "; end the recursion, or give the stack more room above the code");
    }

    @Test
    void stackInTheImageThatOverwritesNoCodeIsMeant() {
        // mov esp,0x1040; push eax; ud2; room for a stack
        assertThat(DeadGuest.reported(TestGuest.flat("bc 40 10 00 00 6a 05 0f 0b" + "90".repeat(0x40))))
                .noneMatch(sentence -> sentence.contains("the stack ran into the code"));
    }

    @Test
    void scatteredZerosAreNotRunThroughFromAddressZero() {
        assertThat(DeadGuest.reported(TestGuest.flat("bc 00 90 00 00 e8 01 00 00 00 f4 50 e8 fa ff ff ff c3")))
                .noneMatch(sentence -> sentence.contains("ran through zeros"));
    }
}
