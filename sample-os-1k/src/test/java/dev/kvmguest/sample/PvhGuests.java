package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Test;

/** The kernel that PVH loaders boot. Each subclass runs it on an engine. */
abstract class PvhGuests {

    @Test
    @KvmGuest("pvh")
    void kernelIsToldItsCommandLineItsModulesAndItsMemory(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .hasConsole("command line: colour=blue\nmodule: files.tar, 3072 bytes\nmemory: 15999 KiB\n");
    }

    @Test
    @KvmGuest(value = "pvh", commandLine = "colour=red", memory = "32M")
    void testsMayTellItOtherwise(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .consoleContains("command line: colour=red")
                .consoleContains("32383 KiB");
    }
}
