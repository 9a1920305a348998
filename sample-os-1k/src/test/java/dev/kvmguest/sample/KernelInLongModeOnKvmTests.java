package dev.kvmguest.sample;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;

/** The 64-bit kernel, on KVM, and skipped where it is missing or can't run all of long mode. */
@EnabledIfKvm(value = BootMode.LONG, allOfIt = true)
@KvmGuest(value = "kernel-x86_64", engine = EngineChoice.KVM)
class KernelInLongModeOnKvmTests extends KernelGuests {
    KernelInLongModeOnKvmTests() {
        super(ShellSession.X86_64);
    }
}
