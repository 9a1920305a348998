package dev.kvmguest.sample;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.Guest;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import org.junit.jupiter.api.BeforeEach;

/** The 64-bit kernel, on KVM, and skipped where it is missing or can't run all of long mode. */
@EnabledIfKvm(value = BootMode.LONG, allOfIt = true)
@KvmGuest(value = "kernel-x86_64", engine = EngineChoice.KVM)
class LiveKernelInLongModeOnKvmTests extends LiveKernelGuests {

    /** Each test boots: QEMU, the kvm-lab's processor, ends where a guest in ring 3 goes on from a TR that was saved. */
    @BeforeEach
    void boot(Guest guest) {
        guest.awaitOutput(ShellSession.PROMPT);
    }
}
