package dev.kvmguest.sample;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.Guest;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import org.junit.jupiter.api.BeforeEach;

/** The same image, found by the boot loader's map in 4 KiB pages, on KVM. */
@EnabledIfKvm(BootMode.PAGED_4K)
@KvmGuest(value = "kernel", boot = BootMode.PAGED_4K, engine = EngineChoice.KVM)
class LiveKernelInSmallPagesOnKvmTests extends LiveKernelGuests {

    /** Each test boots: QEMU, the kvm-lab's processor, ends where a guest in ring 3 goes on from a TR that was saved. */
    @BeforeEach
    void boot(Guest guest) {
        guest.awaitOutput(ShellSession.PROMPT);
    }
}
