package dev.kvmguest.junit.plain;

import static dev.kvmguest.junit.GuestAssertions.assertThat;

import dev.kvmguest.junit.Guest;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Test;

/** Tests of a project that has no Maven, in whose folder make has left a kernel. Run by {@code PlainClassPathTests}. */
@KvmGuest(image = "build/kernel.bin")
class MakeBuiltKernel {

    @Test
    void greets(Guest guest) {
        guest.awaitOutput("Hello");
    }

    @Test
    @KvmGuest(boot = BootMode.PROTECTED)
    void halts(Outcome outcome) {
        assertThat(outcome).halted();
    }

    @Test
    void saysGoodbye(Outcome outcome) {
        assertThat(outcome).consoleContains("Goodbye");
    }
}
