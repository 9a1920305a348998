package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.Outcome;
import org.junit.jupiter.api.Test;

/** The guests in 32-bit protected mode without paging; skipped as {@link RealModeGuestTests} are. */
@EnabledIfKvm(BootMode.PROTECTED)
class ProtectedModeGuestTests {

    @Test
    @KvmGuest("protected")
    void protectedAddsBeyond16BitsAndLeavesWithZero(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole("1 + 2 + ... + 65535 = 2147450880\n");
    }

    @Test
    @KvmGuest("triple-fault")
    void undefinedInstructionWithoutAHandlerIsATripleFault(Outcome outcome) {
        assertThat(outcome).tripleFaulted().hasConsole("!");
    }
}
