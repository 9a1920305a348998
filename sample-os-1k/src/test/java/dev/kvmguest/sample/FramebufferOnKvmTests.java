package dev.kvmguest.sample;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;

/** On KVM, and skipped where it is missing or lacks the mode. */
@EnabledIfKvm(BootMode.MULTIBOOT)
@KvmGuest(engine = EngineChoice.KVM)
class FramebufferOnKvmTests extends FramebufferGuests {}
