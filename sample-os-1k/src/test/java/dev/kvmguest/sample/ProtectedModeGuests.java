package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Test;

/** The guests in 32-bit protected mode without paging. Each subclass runs them on an engine. */
abstract class ProtectedModeGuests {

    @Test
    @KvmGuest("protected")
    void protectedAddsBeyond16BitsAndLeavesWithZero(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole("1 + 2 + ... + 65535 = 2147450880\n");
    }

    @Test
    @KvmGuest("triple-fault")
    void undefinedInstructionWithoutAHandlerIsATripleFault(Outcome outcome) {
        assertThat(outcome)
                .hasConsole("!")
                .fault()
                .beganWith("#UD")
                .isIn("_start")
                .hasChain("#UD", "#GP", "#DF");
    }
}
