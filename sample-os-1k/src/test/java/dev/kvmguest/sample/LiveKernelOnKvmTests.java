package dev.kvmguest.sample;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.Guest;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import org.junit.jupiter.api.BeforeEach;

/** On KVM, and skipped where it is missing or can't run a guest with paging. */
@EnabledIfKvm(BootMode.PAGED)
@KvmGuest(value = "kernel", engine = EngineChoice.KVM)
class LiveKernelOnKvmTests extends LiveKernelGuests {

    /** Each test boots: QEMU, the kvm-lab's processor, ends where a guest in ring 3 goes on from a TR that was saved. */
    @BeforeEach
    void boot(Guest guest) {
        guest.awaitOutput(ShellSession.PROMPT);
    }
}
